import { afterAll, describe, expect, it } from 'vitest';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import { HostMounts } from './host-mounts.ts';
import { MountTable } from './mount-table.ts';
import { LookUps } from '../probes/look-ups.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { readMounts } from './mounts.ts';
import type { MountPosture, ProcessPosture } from './posture.ts';

const HOST = new HostMounts(
  parseMountinfo(
    '21 27 0:20 / /sys rw,nosuid - sysfs sysfs rw\n' +
      '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n' +
      '28 27 0:30 / /run rw,relatime shared:5 - tmpfs tmpfs rw\n',
  ),
);

/** The mounts of a default container. */
const OWN =
  '300 200 0:99 / / rw - overlay overlay rw\n301 300 0:98 / /proc rw - proc proc rw\n' +
  '302 301 0:98 /sys /proc/sys ro - proc proc rw\n303 300 0:97 / /sys ro - sysfs sysfs ro\n';

const PROCESS: ProcessPosture = {
  name: 'sleep',
  uid: 100_000,
  holdsRoot: false,
  gid: 100_000,
  groups: [],
  effective: 0n,
  permitted: 0n,
  bounding: 0n,
  noNewPrivileges: false,
  seccomp: 'filter',
  seccompFilters: 1,
  label: { lsm: 'none' },
  users: { isHost: false, mapsHostRoot: false, rootUid: 100_000, ownUid: 0, rootless: false },
  nested: false,
  hostPid: false,
  hostMnt: false,
  escaped: false,
};

const probes = new PathProbes({ info() {}, warn() {} });
afterAll(() => probes[Symbol.dispose]());

/** The mounts of a container: those of a default container and some more. Its files are those of this process. */
async function readWith(more: string): Promise<MountPosture> {
  const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
  const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 10 });
  const init = kernel.process(process.pid);
  if (init === undefined) throw new Error('This process has ended');
  const lookUps = new LookUps(probes, 'test');
  const read = (): MountPosture =>
    readMounts({
      table: new MountTable(OWN + more),
      init,
      process: PROCESS,
      host: { namespaces: new Map(), root: '', mounts: HOST, sockets: ['/run/docker.sock'], secretFiles: [] },
      lookUps,
      denied: () => {},
    });
  try {
    read();
    await lookUps.settled();
    return read();
  } finally {
    init.close();
  }
}

describe('what is mounted', () => {
  it('of the host is none of what every container has', async () => {
    expect(await readWith('')).toMatchObject({ hostMounts: [], propagating: [], procMasked: true, sysWritable: false });
  });

  it('counts also where the container has mounted something over it', async () => {
    const [etc, over] = [
      '310 300 254:0 /etc /host/etc rw shared:1 - ext4 /dev/vda rw\n',
      '311 310 0:120 / /host/etc rw - tmpfs tmpfs rw\n',
    ];
    const expected = {
      hostMounts: [{ kind: 'critical', hostPath: '/etc', writable: true }],
      propagating: ['/host/etc'],
    };
    expect(await readWith(etc)).toMatchObject(expected);
    expect(await readWith(etc + over)).toMatchObject(expected);
  });

  it('is a socket of unknown use where another mount covers it', async () => {
    const socket = '310 300 0:30 /docker.sock /none/docker.sock rw - tmpfs tmpfs rw\n';
    const found = [{ kind: 'socket', hostPath: '/run/docker.sock', usable: undefined }];
    expect(await readWith(`${socket}311 310 0:120 /null /none/docker.sock rw - tmpfs tmpfs rw\n`)).toMatchObject({
      hostMounts: found,
    });
    expect(await readWith(`${socket}311 300 0:120 / /none rw - tmpfs tmpfs rw\n`)).toMatchObject({ hostMounts: found });
    // A directory above the socket counts, too.
    expect(
      (
        await readWith('310 300 0:30 / /none rw - tmpfs tmpfs rw\n311 310 0:120 / /none rw - tmpfs tmpfs rw\n')
      ).hostMounts?.map(({ kind, usable }) => [kind, usable]),
    ).toEqual([
      ['sensitive', undefined],
      ['socket', undefined],
    ]);
  });

  it('as /sys is the one that shows', async () => {
    const writable = '310 303 0:97 / /sys rw - sysfs sysfs rw\n';
    expect(await readWith(writable)).toMatchObject({ sysWritable: true, ownSysWritable: true });
    expect(await readWith(`${writable}311 310 0:97 / /sys ro - sysfs sysfs rw\n`)).toMatchObject({
      sysWritable: false,
    });
  });
});
