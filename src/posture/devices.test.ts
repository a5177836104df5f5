import { describe, expect, it } from 'vitest';
import { readDevices } from './devices.ts';
import { MountTable } from './mount-table.ts';
import type { DevicePosture } from './posture.ts';

/** Those of Docker by default. */
const USUAL =
  'b *:* m\nc *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\nc 1:9 rwm\nc 5:0 rwm\nc 5:1 rwm\nc 5:2 rwm\n' +
  'c 10:200 rwm\nc 136:* rwm\n';
const MOUNTS = '300 200 0:99 / / rw - overlay overlay rw\n301 300 0:98 / /dev rw - tmpfs tmpfs rw\n';

/** Directories of a container, by their paths, and what is in them: block devices, and directories with a slash. */
type Directories = Readonly<Record<string, readonly string[] | NodeJS.ErrnoException>>;

function read(directories: Directories, rules?: string, mounts = MOUNTS): DevicePosture {
  return readDevices(
    { read: () => (rules === undefined ? undefined : Buffer.from(rules)) },
    {
      nodes: (path) => {
        const found = directories[path];
        if (found instanceof Error) throw found;
        return (
          found && {
            blockDevices: found.filter((name) => !name.endsWith('/')),
            directories: found.filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1)),
          }
        );
      },
    },
    new MountTable(mounts),
    () => {},
  );
}

describe('block devices', () => {
  it('are on v1 those that it may open, whether or not there is a node in /dev', () => {
    expect(read({ 'root/dev': [] }, USUAL)).toEqual({ allowed: 'usual', blockDevices: [] });
    expect(read({ 'root/dev': ['sda'] }, USUAL)).toEqual({ allowed: 'usual', blockDevices: [] });
    expect(read({ 'root/dev': [] }, `${USUAL}b 8:* rwm\nb 254:1 r\nb 7:0 m\n`)).toEqual({
      allowed: 'more',
      blockDevices: ['b 8:*', 'b 254:1'],
    });
    expect(read({}, 'a *:* rwm\n')).toEqual({ allowed: 'all', blockDevices: ['a *:*'] });
  });

  it('are on v2 those with a node in /dev or in a directory there', () => {
    const dev = { 'root/dev': ['sda', 'mapper/', 'shm/', 'gone/'], 'root/dev/mapper': ['data'], 'root/dev/shm': ['x'] };
    expect(read(dev)).toEqual({ allowed: undefined, blockDevices: ['sda', 'mapper/data'] });
    expect(read({ 'root/dev': [] }).blockDevices).toEqual([]);
  });

  it('are unknown without a /dev, where it may hang, or with more directories than any host has', () => {
    expect(read({}).blockDevices).toBeUndefined();
    expect(read({ 'root/dev': [] }, undefined, MOUNTS.replace('tmpfs', 'fuse')).blockDevices).toBeUndefined();
    const many = Array.from({ length: 65 }, (_, index) => `d${index}/`);
    expect(read({ 'root/dev': many }).blockDevices).toBeUndefined();
  });

  it('are not looked for where a directory is served by somebody, or was changed for something else', () => {
    const mounts = `${MOUNTS}302 301 0:97 / /dev/disks rw - fuse x rw\n`;
    const dev = { 'root/dev': ['sda', 'disks/'], 'root/dev/disks': ['sdb'] };
    expect(read(dev, undefined, mounts).blockDevices).toEqual(['sda']);
    const link = Object.assign(new Error('a link by now'), { code: 'ENOTDIR' });
    expect(read({ ...dev, 'root/dev/disks': link }).blockDevices).toEqual(['sda']);
  });
});
