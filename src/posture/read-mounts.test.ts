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
      '28 27 0:30 / /run rw,relatime shared:5 - tmpfs tmpfs rw\n' +
      '31 21 0:7 / /sys/kernel/debug rw,nosuid - debugfs debugfs rw\n' +
      '32 21 0:12 / /sys/kernel/tracing rw,nosuid - tracefs tracefs rw\n' +
      '33 31 0:12 / /sys/kernel/debug/tracing rw,nosuid - tracefs tracefs rw\n' +
      '34 27 0:24 / /dev/pts rw,nosuid - devpts devpts rw\n',
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
async function readWith(more: string, engine = 'docker', of = PROCESS): Promise<MountPosture> {
  const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
  const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 10 });
  const init = kernel.process(process.pid);
  if (init === undefined) throw new Error('This process has ended');
  const lookUps = new LookUps(probes, 'test');
  const read = (): MountPosture =>
    readMounts({
      table: new MountTable(OWN + more),
      engine,
      init,
      process: of,
      host: {
        namespaces: new Map(),
        root: '',
        mounts: HOST,
        sockets: ['/run/docker.sock'],
        secretFiles: [],
        problem: undefined,
      },
      lookUps,
      note: () => {},
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

  it.each([
    ['/var/lib/kubelet/pods/0f1e2d3c4b5a69788796a5b4c3d2e1f0/containers/app/3f2e1d0c', '/dev/termination-log', true],
    // The kubelet's directory is a file system of its own.
    ['/pods/6cf2e0c5-9a1b-4c3d-8e7f-2d4b6a1f0c11/etc-hosts', '/etc/hosts', true],
    ['/k3s/containerd/io.containerd.grpc.v1.cri/sandboxes/0a1b/resolv.conf', '/etc/resolv.conf', false],
    ['/var/lib/kubelet/pods', '/pods', false],
  ])('%s is of the kubelet for a pod on %s: %s', async (root, point, kubelets) => {
    expect(await readWith(`310 300 254:0 ${root} ${point} rw - ext4 /dev/vda rw\n`)).toMatchObject({ kubelets });
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

  it('is not of the host any more once the host has removed or replaced it', async () => {
    const mounts = [
      '310 300 254:0 /etc/passwd//deleted /etc/passwd rw - ext4 /dev/vda rw\n',
      '311 300 254:0 /etc/cron.d//deleted /cron rw - ext4 /dev/vda rw\n',
      '312 300 0:30 /docker.sock//deleted /run/docker.sock rw - tmpfs tmpfs rw\n',
    ];
    expect(await readWith(mounts.join(''))).toMatchObject({ hostMounts: [] });
    expect((await readWith(mounts.join('').replaceAll('//deleted', ''))).hostMounts).toHaveLength(3);
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

  it('is not all of it where nothing is mounted at the root', async () => {
    const table = new MountTable('310 300 254:0 /etc /host/etc rw - ext4 /dev/vda rw\n');
    expect(table.complete).toBe(false);
    expect([undefined, false, true].map((chrooted) => new MountTable(OWN, undefined, chrooted).complete)).toEqual([
      true,
      true,
      false,
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

describe('what a runtime mounts by itself', () => {
  const HOSTS_ROOT: ProcessPosture = {
    ...PROCESS,
    holdsRoot: true,
    users: { isHost: true, mapsHostRoot: true, rootUid: 0, ownUid: 0, rootless: false },
  };
  const hostPathsOf = async (...[mount, engine, of]: Parameters<typeof readWith>) =>
    (await readWith(`310 300 ${mount}\n`, engine, of)).hostMounts?.map(({ hostPath }) => hostPath);
  const empty = '0:30 /crun/.empty-directory /proc/acpi ro,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw';
  const debug = '0:7 / /sys/kernel/debug rw,nosuid - debugfs none rw';
  const pty = '0:24 /3 /dev/console rw,nosuid,noexec - devpts devpts rw,gid=5,mode=620';
  const incus = '254:0 /var/lib/incus/storage-pools/default/containers';
  const credentials = `${incus}/p2_i2/credentials /dev/.incus-systemd-credentials ro - ext4 /dev/vda rw`;
  const osRelease = '254:0 /usr/lib/os-release /run/host/os-release ro,nosuid - ext4 /dev/vda rw';
  const localtime = '254:0 /usr/share/zoneinfo/Europe/Berlin /etc/localtime ro - ext4 /dev/vda rw';

  it.each([
    ['crun, as a mask', 'podman', empty, HOSTS_ROOT],
    [
      'crun under Docker, as a mask',
      'docker',
      empty.replace('/crun/', '/docker/runtime-runc/moby/').replace('/proc/acpi', '/sys/firmware'),
      HOSTS_ROOT,
    ],
    ['crun of a user, as a mask', 'podman', empty.replace('/crun/', '/user/1000/crun/'), PROCESS],
    ['Incus, unprivileged', 'lxc', debug, PROCESS],
    ['Incus, and has more than one place', 'lxc', '0:12 / /sys/kernel/tracing rw - tracefs none rw', PROCESS],
    ['LXC, as the console', 'lxc', pty, HOSTS_ROOT],
    ['LXC, as a terminal', 'lxc', pty.replace('/dev/console', '/dev/lxc/tty1'), HOSTS_ROOT],
    ['nspawn, as the console', 'nspawn', pty, HOSTS_ROOT],
    ['Incus, for systemd', 'lxc', credentials, HOSTS_ROOT],
    ['nspawn, of the release', 'nspawn', osRelease, HOSTS_ROOT],
    ['nspawn, of the time zone', 'nspawn', localtime, HOSTS_ROOT],
  ])('is not of the user: by %s', async (_, engine, mount, of) => {
    expect(await hostPathsOf(mount, engine, of)).toEqual([]);
  });

  it.each([
    ['at another place', 'podman', empty.replace('/proc/acpi', '/mnt'), HOSTS_ROOT],
    ['writable', 'podman', empty.replace(' ro,', ' rw,'), HOSTS_ROOT],
    ['of another name', 'podman', empty.replace('.empty-directory', 'x'), HOSTS_ROOT],
    ['at another place', 'lxc', debug.replace('/sys/kernel/debug', '/mnt'), PROCESS],
    ["by the host's root", 'lxc', debug, HOSTS_ROOT],
    ["by a process that is the host's root", 'lxc', debug, { ...PROCESS, holdsRoot: true }],
    ['by unknown users', 'lxc', debug, { ...PROCESS, users: undefined }],
    ['by Docker', 'docker', debug, PROCESS],
    ['by Docker', 'docker', pty, PROCESS],
    ['at another place', 'lxc', pty.replace('/dev/console', '/mnt/tty'), PROCESS],
    ['writable', 'lxc', credentials.replace(' ro ', ' rw '), PROCESS],
    ['at another place', 'lxc', credentials.replace('/dev/.incus-systemd-credentials', '/c'), PROCESS],
    ['at another place', 'nspawn', osRelease.replace('/run/host/os-release', '/x'), PROCESS],
    ['writable', 'nspawn', localtime.replace(' ro ', ' rw '), PROCESS],
    ['by Docker', 'docker', localtime, PROCESS],
  ])('is of the user if it is mounted %s (%s, %s)', async (_, engine, mount, of) => {
    expect(await hostPathsOf(mount, engine, of)).toHaveLength(1);
  });
});
