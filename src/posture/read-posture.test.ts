import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { InitProcess } from '../container.ts';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { errnoOf } from '../kernel/errno.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { findHostNamespaces, inodeOfLink, NAMESPACE_KINDS } from '../kernel/host-namespaces.ts';
import { lastThreadLeft, withoutFirstThread } from '../../test/first-thread.ts';
import type { Posture } from './posture.ts';
import { PathProbes } from '../probes/path-probes.ts';
import type { PostureReading, Target } from './posture-reading.ts';
import { PostureReader } from './read-posture.ts';

const kernel = new KernelFiles({
  procRoot: '/proc',
  layout: findCgroupLayout('/proc', '/sys/fs/cgroup'),
  descriptorBudget: 100,
});
const probes = new PathProbes({ info() {}, warn() {} });
const reader = new PostureReader(kernel, findHostNamespaces('/proc'), probes);
const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-posture-'));
const children: ChildProcess[] = [];

/** Ends one thread. */
const EXIT = process.arch === 'arm64' ? 93 : 60;

function start(command: string, ...words: readonly string[]): Promise<number> {
  const child = spawn(command, words, { stdio: 'ignore', detached: true });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? NaN));
  });
}

/** Waits until a process runs its intended program. */
function running(pid: number, comm: string): Promise<number> {
  return vi.waitFor(
    () => {
      expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe(`${comm}\n`);
      return pid;
    },
    { timeout: 10_000, interval: 5 },
  );
}

/** Starts a process of the host under another name. */
async function named(name: string, program: string): Promise<number> {
  const pid = await start('bash', '-c', `exec -a ${name} ${program} 1000`);
  return running(pid, program.slice(program.lastIndexOf('/') + 1));
}

/**
 * Starts a process in its own namespaces, like a container, with a root user inside. It has children that are confined in
 * the same way.
 */
async function contained(others = 1): Promise<number> {
  const script = `for i in $(seq ${others}); do sleep 1000 & done; exec sleep 1000`;
  const outside = await start(
    'unshare',
    '--user',
    '--map-root-user',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    'bash',
    '-c',
    script,
  );
  return running(await childOf(outside), 'sleep');
}

function childrenOf(pid: number): number[] {
  return (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []).map(Number);
}

function childOf(pid: number): Promise<number> {
  return vi.waitFor(
    () => {
      const [child] = childrenOf(pid);
      if (child === undefined) throw new Error(`Process ${pid} has no child`);
      return child;
    },
    { timeout: 10_000, interval: 5 },
  );
}

function initOf(pid: number): InitProcess {
  const files = kernel.process(pid);
  if (files === undefined) throw new Error(`No process ${pid}`);
  const namespaces = Object.fromEntries(
    NAMESPACE_KINDS.map((kind) => [kind, inodeOfLink(files.link(`ns/${kind}`) ?? '')]),
  );
  return { pid, startTime: 0, startedAfterBoot: 0, namespaces, namespacesError: undefined, files };
}

function target(pid: number, ...others: readonly number[]): Target {
  return { engine: 'docker', files: kernel.cgroup('/none'), init: initOf(pid), pids: [pid, ...others] };
}

function read(of: Target): PostureReading {
  const reading = reader.read(of);
  if (reading === undefined) throw new Error('It has ended');
  return reading;
}

async function postureOf(pid: number, ...others: readonly number[]): Promise<Posture> {
  const of = target(pid, ...others);
  const { posture, lookedUp } = read(of);
  const found = await lookedUp;
  of.init.files.close();
  return { ...posture, ...found };
}

afterAll(() => {
  probes[Symbol.dispose]();
  for (const { pid } of children) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch (error) {
      expect(errnoOf(error)).toBe('ESRCH');
    }
  }
  rmSync(directory, { recursive: true });
});

describe('a posture', () => {
  let init: number;
  let ofHost: number;
  beforeAll(async () => {
    init = await contained();
    ofHost = await running(await start('sleep', '1000'), 'sleep');
  }, 20_000);

  test('is that of the process', async () => {
    const posture = await postureOf(init);
    const own = process.getuid?.() ?? NaN;
    expect(posture.init).toMatchObject({
      name: 'sleep',
      uid: own,
      holdsRoot: own === 0,
      hostPid: false,
      escaped: false,
      // A process has all capabilities in a user namespace that was just created.
      users: { isHost: false, mapsHostRoot: own === 0, rootUid: own, ownUid: 0, rootless: true },
    });
    expect(posture.processes).toEqual([posture.init]);
    expect(posture).toMatchObject({ allProcesses: true, escapedProcesses: 0, problem: undefined, raisedUlimits: [] });
    expect(posture.mounts).toMatchObject({ complete: true, isHost: false });
    expect(posture.obtainable).toBeTypeOf('bigint');
    expect(kernel.open).toBe(0);
  });

  test('of a process of the host is that of the host', async () => {
    const { init: own, mounts, escapedProcesses } = await postureOf(ofHost);
    expect(own).toMatchObject({
      hostPid: true,
      escaped: false,
      users: { isHost: true, mapsHostRoot: true, rootless: false },
    });
    expect(mounts).toMatchObject({ isHost: true });
    expect(mounts?.hostMounts?.map(({ kind }) => kind)).toContain('root');
    expect(escapedProcesses).toBe(0);
  });

  test('knows of a process that is back on the host', async () => {
    const { processes, escapedProcesses } = await postureOf(init, ofHost);
    expect(escapedProcesses).toBe(1);
    expect(processes.map(({ escaped }) => escaped).toSorted()).toEqual([false, true]);
  });

  test.each(['exit', 'seccomp', 'traced'] as const)('knows of one whose first thread has ended: %s', async (ending) => {
    const started = await start(...withoutFirstThread(ending));
    const pid = await lastThreadLeft(ending === 'traced' ? await childOf(started) : started, ending);
    const posture = await postureOf(init, pid);
    expect(posture).toMatchObject({ escapedProcesses: 1, allProcesses: true, problem: undefined });
    expect(posture.processes.find(({ escaped }) => escaped)).toMatchObject({
      name: 'perl',
      hostPid: true,
      hostMnt: true,
      seccomp: 'disabled',
    });
    expect(kernel.open).toBe(0);
  });

  test('follows its init to another thread when the one that it knows ends', async () => {
    const isOver = join(directory, 'over');
    const ends = `threads->create(sub { until (-e '${isOver}') { select undef, undef, undef, 0.05 } syscall(${EXIT}, 0) })`;
    const pid = await start(
      'perl',
      '-Mthreads',
      '-e',
      `${ends}; threads->create(sub { sleep 1000 }); syscall(${EXIT}, 0)`,
    );
    const threads = (): readonly string[] => readdirSync(`/proc/${pid}/task`);
    await vi.waitFor(() => expect(threads()).toHaveLength(3), { timeout: 10_000, interval: 5 });
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '), { timeout: 10_000 });
    const of = target(pid);
    expect(read(of).posture.mounts).toMatchObject({ isHost: true });
    expect(of.init.files.text('stat')).toMatch(new RegExp(`^${threads()[1]} `));
    writeFileSync(isOver, '');
    await vi.waitFor(() => expect(threads()).toHaveLength(2), { timeout: 10_000, interval: 5 });
    expect(of.init.files.text('stat')).toBeUndefined();
    expect(read(of).posture.mounts).toMatchObject({ isHost: true });
    expect(of.init.files.text('stat')).toMatch(new RegExp(`^${threads()[1]} `));
    of.init.files.close();
  });

  test.each([
    ['a directory', ''],
    ['a mount of its own', 'mount -t tmpfs tmpfs "$ROOT" && '],
  ])('does not take what an init sees that has made %s its root for all of its mounts', async (_, mounting) => {
    const root = mkdtempSync(join(directory, 'root-'));
    const enter = 'exec perl -e \'chroot $ENV{ROOT} or die; chdir "/"; sleep 1000\'';
    const script = `export ROOT=${root}; ${mounting}${enter}`;
    const pid = await start('unshare', '--user', '--map-root-user', '--mount', 'bash', '-c', script);
    await vi.waitFor(() => expect(readlinkSync(`/proc/${pid}/root`)).toBe(root), { timeout: 10_000, interval: 5 });
    const { mounts, devices, problem } = await postureOf(pid);
    expect(mounts).toMatchObject({
      complete: false,
      rootReadOnly: undefined,
      procMasked: undefined,
      sysWritable: undefined,
      ownSysWritable: undefined,
      cgroupWritable: undefined,
      kubelets: undefined,
    });
    expect(devices.blockDevices).toBeUndefined();
    expect(problem).toBeUndefined();
  });

  test('includes mounts that the init has left behind and another process has not', async () => {
    const root = mkdtempSync(join(directory, 'left-'));
    const [pivotRoot, umount] = process.arch === 'arm64' ? [41, 39] : [155, 166];
    const leave = join(directory, 'leave.pl');
    writeFileSync(
      leave,
      `chdir $ARGV[0]; my $here = "."; syscall(${pivotRoot}, $here, $here) == 0 or die; syscall(${umount}, $here, 2) == 0 or die; sleep 1000`,
    );
    const inside = `mount -t tmpfs t ${root} && exec perl ${leave} ${root}`;
    const script = `unshare --user --map-root-user --mount bash -c '${inside}' & sleep 1000 & wait`;
    const outside = await start('unshare', '--user', '--map-root-user', '--mount', 'bash', '-c', script);
    const [leaves = NaN, stays = NaN] = await vi.waitFor(
      () => {
        const found = childrenOf(outside);
        expect(found).toHaveLength(2);
        expect(readFileSync(`/proc/${found[0]}/mountinfo`, 'utf8')).toMatch(/^\S+ \S+ \S+ \/ \/ .* tmpfs .*\n$/);
        return found;
      },
      { timeout: 10_000, interval: 5 },
    );
    await running(stays, 'sleep');
    const alone = (await postureOf(leaves)).mounts;
    expect(alone).toMatchObject({ complete: true, hostMounts: [] });
    const { mounts } = await postureOf(leaves, stays);
    expect(mounts?.hostMounts?.map(({ kind }) => kind)).toContain('root');
    expect(mounts?.complete).toBe(true);
    const chrooted = await start(
      'nsenter',
      `--user=/proc/${stays}/ns/user`,
      `--mount=/proc/${stays}/ns/mnt`,
      'perl',
      '-e',
      `chroot '${directory}' or die; sleep 1000`,
    );
    await vi.waitFor(() => expect(readlinkSync(`/proc/${chrooted}/root`)).toBe(directory), {
      timeout: 10_000,
      interval: 5,
    });
    expect((await postureOf(leaves, chrooted)).mounts).toMatchObject({ complete: false, hostMounts: [] });
    expect((await postureOf(leaves, chrooted, stays)).mounts).toMatchObject({
      complete: true,
      hostMounts: mounts?.hostMounts,
    });
    // Copies are none.
    expect((await postureOf(stays, leaves)).mounts).toEqual((await postureOf(stays)).mounts);
  });

  test('is unknown with more mount namespaces than are looked at', async () => {
    const others = await Promise.all(
      Array.from({ length: 65 }, () => start('unshare', '--user', '--mount', 'sleep', '1000')),
    );
    await Promise.all(others.map((pid) => running(pid, 'sleep')));
    expect((await postureOf(init, ...others.slice(0, 64))).mounts).toMatchObject({ complete: true });
    expect((await postureOf(init, ...others)).mounts).toMatchObject({ complete: false });
    expect(kernel.open).toBe(0);
  }, 30_000);

  test('knows that it has not seen a process that procfs hides, unlike one that has ended', async () => {
    // As hidepid=2 shows it to a user without privileges.
    const procRoot = mkdtempSync(join(directory, 'proc-'));
    symlinkSync(`/proc/${init}`, join(procRoot, String(init)));
    const { layout } = kernel;
    const hiding = new KernelFiles({ procRoot, layout, descriptorBudget: 100 });
    const of = target(init, ofHost);
    const seen = (listed: readonly number[]) =>
      new PostureReader(hiding, findHostNamespaces('/proc'), probes).read({ ...of, list: () => listed })?.posture;
    expect(seen([init])).toMatchObject({ allProcesses: true, escapedProcesses: 0 });
    expect(seen([init, ofHost])).toMatchObject({ allProcesses: false, escapedProcesses: undefined });
    of.init.files.close();
  });

  test('does not take the parent of the init for one of its own', async () => {
    const parent = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1]);
    const posture = await postureOf(init, parent);
    expect(posture.escapedProcesses).toBe(0);
    expect(posture.processes).toEqual([posture.init]);
  });

  test('does not leave out a parent that is in the container', async () => {
    const child = await running(await childOf(init), 'sleep');
    const of = target(child, init);
    const { byPid } = read(of);
    of.init.files.close();
    expect(byPid.get(init)).toMatchObject({ name: 'sleep', hostPid: false });
  });

  test.skipIf(process.getuid?.() !== 0)('nor one that is there with the pids of the host', async () => {
    const first = await start('unshare', '--mount', 'bash', '-c', 'sleep 1000 & wait');
    const child = await running(await childOf(first), 'sleep');
    const of = target(child, first);
    const { byPid } = read(of);
    of.init.files.close();
    expect(byPid.get(first)).toMatchObject({ hostPid: true, hostMnt: false });
  });

  test('is out of date if the pid of a process that had ended belongs to another one', () => {
    const of = target(init);
    const reading = read(of);
    const isAsRead = (pid: number): boolean =>
      reader.isAsRead({ ...reading, byPid: new Map([...reading.byPid, [pid, undefined]]) }, of.init);
    // Kernel threads and the parent of the init do not count either.
    expect([isAsRead(2), isAsRead(reading.parent), isAsRead(ofHost)]).toEqual([true, true, false]);
    of.init.files.close();
  });

  test('leaves out a process that is not in the container any more: another one may have its pid', () => {
    const of = { ...target(init, ofHost), list: () => [init] };
    const { posture, byPid } = read(of);
    of.init.files.close();
    expect([...byPid.keys()]).toEqual([init]);
    expect(posture.escapedProcesses).toBe(0);
  });

  test('takes no longer because many of its processes move away while there are very many others', async () => {
    const moving = await Promise.all(Array.from({ length: 40 }, () => start('sleep', '1000')));
    const others = Array.from({ length: 30_000 }, (_, index) => 4_000_000 + index);
    let lists = 0;
    const of = { ...target(init, ...moving), list: () => ((lists += 1), [init, ...others]) };
    const begun = performance.now();
    const { posture, byPid } = read(of);
    expect(performance.now() - begun).toBeLessThan(1_000);
    of.init.files.close();
    expect([...byPid.keys()]).toEqual([init]);
    expect(posture).toMatchObject({ allProcesses: true, escapedProcesses: 0 });
    expect(lists).toBe(1);
    expect(kernel.open).toBe(0);
  });

  test('says when there are too many processes', async () => {
    expect((await postureOf(init, ...Array.from({ length: 300 }, (_, index) => 4_000_000 + index))).allProcesses).toBe(
      false,
    );
  });

  test('of more processes than one look takes needs some looks, and has all of them inspected again in turn', async () => {
    const many = await contained(300);
    const others = childrenOf(many);
    const of = target(many, ...others);
    const first = read(of);
    expect(first.posture).toMatchObject({ allProcesses: false, escapedProcesses: undefined, pending: true });
    const second = reader.update(first, of);
    expect(second).toMatchObject({
      unfinished: false,
      posture: { allProcesses: true, escapedProcesses: 0, pending: false },
    });
    const third = reader.read(of, second);
    const fourth = reader.read(of, third);
    expect([third?.posture, fourth?.posture]).toMatchObject([{ allProcesses: true }, { allProcesses: true }]);
    const inspectedAgain = others.filter((pid) => fourth?.byPid.get(pid) !== second.byPid.get(pid));
    expect(inspectedAgain).toEqual(others);
    const worse = reader.update(second, { ...of, pids: [...of.pids, ofHost] });
    expect(worse.posture.escapedProcesses).toBe(1);
    of.init.files.close();
  });

  test('is brought up to date by what is new, and stays the same object if that is like the rest', async () => {
    const of = target(init);
    const before = read(of);
    const child = await running(await childOf(init), 'sleep');
    const alike = reader.update(before, { ...of, pids: [init, child] });
    expect(alike.posture).toBe(before.posture);
    expect([...alike.byPid.keys()]).toEqual([init, child]);
    const worse = reader.update(alike, { ...of, pids: [init, ofHost] });
    expect(worse.posture.escapedProcesses).toBe(1);
    expect([...worse.byPid.keys()]).toEqual([init, ofHost]);
    const over = reader.update(worse, { ...of, pids: [init] });
    expect(over.posture).toMatchObject({ escapedProcesses: 0, processes: [before.posture.init] });
    of.init.files.close();
  });

  test('knows a process in another user namespace', async () => {
    const { processes } = await postureOf(init, await contained());
    expect(processes.map(({ nested }) => nested).toSorted()).toEqual([false, true]);
  });

  test('waits a moment for a runtime that is on its way in', async () => {
    // The process counts as soon as it is no longer young. On a busy machine it is too old at the first inspection.
    await vi.waitFor(
      async () => {
        const of = target(init, await named('/usr/bin/runc', 'sleep'));
        const reading = read(of);
        of.init.files.close();
        expect(reading).toMatchObject({ pending: true, posture: { escapedProcesses: 0 } });
      },
      { timeout: 60_000, interval: 100 },
    );
    const other = target(init, ofHost);
    expect(read(other)).toMatchObject({ pending: false, posture: { escapedProcesses: 1 } });
    other.init.files.close();
  }, 70_000);

  test('is of nobody once the process has ended', async () => {
    const pid = await start('sleep', '1000');
    const of = target(pid);
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(reader.read(of)).toBeUndefined(), { timeout: 10_000, interval: 5 });
    of.init.files.close();
  });
});

describe('what runs it', () => {
  test('is not taken for gVisor because of its name alone', async () => {
    const pid = await named('runsc-sandbox', 'sleep');
    expect((await postureOf(pid)).sandbox).toMatchObject({ kind: 'oci', kernel: 'shared' });
    copyFileSync('/bin/sleep', join(directory, 'exe'));
    expect((await postureOf(await named('runsc-sandbox', join(directory, 'exe')))).sandbox).toMatchObject({
      kind: 'oci',
    });
  });

  test('is unknown for a host program with the right name in the wrong directory', async () => {
    copyFileSync('/bin/sleep', join(directory, 'runsc'));
    expect((await postureOf(await named('runsc-sandbox', join(directory, 'runsc')))).sandbox).toBeUndefined();
  });

  test.skipIf(process.getuid?.() !== 0)(
    'is unknown for a program that a container put into a directory of the host, and that moved its root to a tmpfs',
    async () => {
      copyFileSync(realpathSync('/usr/bin/perl'), join(directory, 'runsc-perl'));
      const empty = join(directory, 'empty');
      mkdirSync(empty);
      const become = `exec -a runsc-sandbox ${directory}/runsc-perl -e 'chroot "${empty}"; chdir "/"; sleep 1000'`;
      const pid = await start('unshare', '--mount', 'bash', '-c', `mount -t tmpfs t ${empty}; ${become}`);
      await vi.waitFor(() => expect(readlinkSync(`/proc/${pid}/root`)).toBe(empty), { timeout: 10_000, interval: 5 });
      expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).toMatch(/^\d+ \d+ \S+ \/ \/ rw,\S+ - tmpfs t \S+\n$/);
      expect((await postureOf(pid)).sandbox).toBeUndefined();
    },
  );

  test.skipIf(!canMakeMachines())(
    'is unknown for such a program that has a virtual machine and is called crun',
    async () => {
      copyFileSync(realpathSync('/usr/bin/perl'), join(directory, 'crun'));
      // crun is looked at because of its cgroup or its name: a runtime that becomes the monitor calls itself after libkrun.
      const program = `$0 = 'libkrun VM'; sysopen my $kvm, '/dev/kvm', 2 or die; ioctl $kvm, 0xAE01, 0 or die; sleep 1000`;
      const pid = await start('unshare', '--mount', join(directory, 'crun'), '-e', program);
      await vi.waitFor(
        () => {
          const links = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
          expect(links).toContain('anon_inode:kvm-vm');
        },
        { timeout: 10_000, interval: 20 },
      );
      expect((await postureOf(pid)).sandbox).toBeUndefined();
    },
  );

  test('is unknown for a machine with more processes than are looked at, or with some that nobody can see', async () => {
    copyFileSync('/bin/sleep', join(directory, 'stratovirt'));
    const machine = join(directory, 'stratovirt');
    const [first = NaN, ...others] = await Promise.all(Array.from({ length: 64 }, () => named('stratovirt', machine)));
    const isMachine = { kind: 'qemu', kernel: 'virtual' };
    expect((await postureOf(first, ...others)).sandbox).toMatchObject(isMachine);
    // Its pid may be lower than those of the machine.
    const other = await running(await start('sleep', '1000'), 'sleep');
    expect((await postureOf(first, ...others, other)).sandbox).toBeUndefined();
    expect((await postureOf(first, other)).sandbox).toMatchObject({ kind: 'oci', kernel: 'shared' });
    const incomplete = { ...target(first), isIncomplete: true };
    const { posture, lookedUp } = read(incomplete);
    expect({ ...posture, ...(await lookedUp) }.sandbox).toBeUndefined();
    incomplete.init.files.close();
  }, 30_000);

  test('is unknown for a replaced program', async () => {
    copyFileSync('/bin/sleep', join(directory, 'qemu-kvm'));
    const pid = await named('qemu-kvm', join(directory, 'qemu-kvm'));
    expect((await postureOf(pid)).sandbox).toEqual({
      kind: 'qemu',
      kernel: 'virtual',
      weaknesses: ['emulated, without KVM'],
    });
    rmSync(join(directory, 'qemu-kvm'));
    writeFileSync(join(directory, 'qemu-kvm'), '');
    expect((await postureOf(pid)).sandbox).toBeUndefined();
  });
});

/** Whether this process may make virtual machines, and there is a perl that can do it. */
function canMakeMachines(): boolean {
  const make = `sysopen my $kvm, '/dev/kvm', 2 or exit 1; exit(ioctl($kvm, 0xAE01, 0) ? 0 : 1)`;
  return process.getuid?.() === 0 && spawnSync('perl', ['-e', make]).status === 0;
}
