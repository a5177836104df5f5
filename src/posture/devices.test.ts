import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LookUps } from '../probes/look-ups.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { readDevices } from './devices.ts';
import { MountTable } from './mount-table.ts';
import type { DevicePosture } from './posture.ts';

/** The default device rules of Docker. */
const USUAL =
  'b *:* m\nc *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\nc 1:9 rwm\nc 5:0 rwm\nc 5:1 rwm\nc 5:2 rwm\n' +
  'c 10:200 rwm\nc 136:* rwm\n';
const MOUNTS = '300 200 0:99 / / rw - overlay overlay rw\n301 300 0:98 / /dev rw - tmpfs tmpfs rw\n';

const probes = new PathProbes({ info() {}, warn() {} });
const directories: string[] = [];
afterAll(() => {
  probes[Symbol.dispose]();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

/** Creates a root directory with these entries in `/dev`: block devices, and directories if the name ends with a slash. */
function rootWith(...paths: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'isolation-devices-'));
  directories.push(root);
  mkdirSync(join(root, 'dev'));
  for (const path of paths) {
    const at = join(root, 'dev', path);
    mkdirSync(path.endsWith('/') ? at : dirname(at), { recursive: true });
    if (!path.endsWith('/')) execFileSync('mknod', [at, 'b', '7', '0']);
  }
  return root;
}

async function read(root: string, rules?: string, mounts = MOUNTS): Promise<DevicePosture> {
  const lookUps = new LookUps(probes, root);
  const once = (): DevicePosture =>
    readDevices({
      cgroup: { read: () => (rules === undefined ? undefined : Buffer.from(rules)) },
      init: { outside: (name) => ({ path: name.replace(/^root/, root), shownAs: name }) },
      table: new MountTable(mounts),
      lookUps,
      note: () => {},
    });
  once();
  await lookUps.settled();
  return once();
}

describe('block devices', () => {
  it('on v1 are those that the container may open, whether or not there is a node in /dev', async () => {
    const root = rootWith();
    expect(await read(root, USUAL)).toEqual({ allowed: 'usual', blockDevices: [] });
    expect(await read(root, `${USUAL}b 8:* rwm\nb 254:1 r\nb 7:0 m\n`)).toEqual({
      allowed: 'more',
      blockDevices: ['b 8:*', 'b 254:1'],
    });
    expect(await read(root, 'a *:* rwm\n')).toEqual({ allowed: 'all', blockDevices: ['a *:*'] });
  });

  it('on v2 are none in a /dev without any', async () => {
    expect(await read(rootWith('pts/'))).toEqual({ allowed: undefined, blockDevices: [] });
  });

  it('are unknown without a /dev, behind a link, or where a server may keep the reader waiting', async () => {
    expect((await read(join(rootWith(), 'none'))).blockDevices).toBeUndefined();
    const elsewhere = mkdtempSync(join(tmpdir(), 'isolation-devices-'));
    directories.push(elsewhere);
    symlinkSync('/dev', join(elsewhere, 'dev'));
    expect((await read(elsewhere)).blockDevices).toBeUndefined();
    for (const type of ['fuse', 'fuse.sshfs', 'nfs4', 'autofs', 'a_type_that_nobody_knows']) {
      expect((await read(rootWith(), undefined, MOUNTS.replace('tmpfs', type))).blockDevices).toBeUndefined();
    }
  });

  it('are unknown if a directory of /dev cannot be entered, unless it never has any', async () => {
    const at = (name: string) => `${MOUNTS}302 301 0:97 / /dev/${name} rw - fuse x rw\n`;
    expect((await read(rootWith('disks/'), undefined, at('disks'))).blockDevices).toBeUndefined();
    expect((await read(rootWith('shm/'), undefined, at('shm'))).blockDevices).toEqual([]);
    expect((await read(rootWith(), undefined, at('a-file'))).blockDevices).toEqual([]);
  });

  it('are unknown with more directories or more entries than any host has', async () => {
    const many = Array.from({ length: 65 }, (_, index) => `d${index}/`);
    expect((await read(rootWith(...many))).blockDevices).toBeUndefined();
    const files = rootWith();
    for (let index = 0; index < 10_001; index += 1) symlinkSync('x', join(files, 'dev', String(index)));
    expect((await read(files)).blockDevices).toBeUndefined();
  });
});

describe.skipIf(process.getuid?.() !== 0)('nodes of block devices (needs root)', () => {
  it('count in /dev and in the directories there', async () => {
    const root = rootWith('sda', 'mapper/data', 'shm/x', 'empty/');
    symlinkSync('sda', join(root, 'dev', 'link'));
    expect((await read(root)).blockDevices?.toSorted()).toEqual(['mapper/data', 'sda']);
  });

  it('on v1 do not count', async () => {
    expect(await read(rootWith('sda'), USUAL)).toEqual({ allowed: 'usual', blockDevices: [] });
  });

  it('are not looked for in a directory that a server may keep the reader waiting for', async () => {
    const mounts = `${MOUNTS}302 301 0:97 / /dev/disks rw - fuse x rw\n`;
    expect((await read(rootWith('sda', 'disks/sdb'), undefined, mounts)).blockDevices).toEqual(['sda']);
  });
});
