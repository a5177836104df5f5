import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type CgroupLayout, findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { type CommandLines, PENDING } from '../kernel/command-lines.ts';
import { errnoOf } from '../kernel/errno.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';
import { findInit } from './init-process.ts';

const A = '3b5046be1db64ef7b9b967ce0aa79d424cd892f1594994594283b3e8269e615b';
const B = 'c47183275c45fd012ecf63a3d158866925141770864ac6ac29ab6aec4201a845';

/** Real processes in cgroups that are plain directories. */
const root = mkdtempSync(join(tmpdir(), 'isolation-exporter-init-'));
const children: ChildProcess[] = [];
let next = 0;

function kernelFiles(descriptorBudget = 100, commandLines?: CommandLines): KernelFiles {
  const layout: CgroupLayout = {
    ...findCgroupLayout('/proc', '/sys/fs/cgroup'),
    discovery: { root, mountRoot: '/', version: 2, controllers: [] },
  };
  return new KernelFiles({ procRoot: '/proc', layout, descriptorBudget, ...(commandLines && { commandLines }) });
}

/** The command lines of some processes; those of others are asked for and never come. */
function onlyKnown(...known: readonly number[]): CommandLines & { readonly asked: ReadonlySet<number> } {
  const asked = new Set<number>();
  return {
    asked,
    of({ pid }) {
      if (known.includes(pid)) return 'sleep\0';
      asked.add(pid);
      return PENDING;
    },
    get pending() {
      return asked.size;
    },
    settled: () => Promise.resolve(),
  };
}

function writeIn(path: string, content: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** Creates a new container cgroup, with one inner cgroup for each list of processes. */
function container(lists: Record<string, readonly (number | undefined)[]>, parent = '/docker'): string {
  next += 1;
  const path = `${parent}/${next.toString(16).padStart(64, '0')}`;
  for (const [name, pids] of Object.entries(lists)) {
    const file = name.endsWith('threads') ? name : join(name, 'cgroup.procs');
    writeIn(join(path, file), pids.map((pid) => `${pid}\n`).join(''));
  }
  return path;
}

function start(command: string, ...words: readonly string[]): ChildProcess & { readonly pid: number } {
  const child = spawn(command, words, { stdio: 'ignore', detached: true });
  children.push(child);
  return Object.assign(child, { pid: child.pid ?? Number.NaN });
}

function pidsOf(pid: number): readonly number[] {
  return parseProcStatus(readFileSync(`/proc/${pid}/status`, 'utf8')).nspid;
}

/** The child of a process, once the child has become the command `comm`. */
function childOf(pid: number, comm = 'sleep'): Promise<number> {
  return vi.waitFor(
    () => {
      const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
      expect(readFileSync(`/proc/${child}/comm`, 'utf8')).toBe(`${comm}\n`);
      return child;
    },
    { timeout: 10_000, interval: 5 },
  );
}

/** Runs a command as pid 1 of a new pid namespace. Without root, that requires a user namespace. */
function inNewPidNamespace(...command: readonly string[]): { readonly pid: number } {
  const privilege = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return start('unshare', ...privilege, '--pid', '--fork', '--kill-child', ...command);
}

function found(kernel: KernelFiles, path: string): number | undefined {
  const init = findInit(kernel, kernel.cgroup(path));
  init?.files.close();
  expect(kernel.open).toBe(0);
  return init?.pid;
}

afterAll(() => {
  for (const { pid } of children) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch (error) {
      expect(errnoOf(error)).toBe('ESRCH');
    }
  }
  rmSync(root, { recursive: true });
});

describe('in its own pid namespace', () => {
  let engine: number;
  let init: number;
  let worker: number;
  let nested: number;

  beforeAll(async () => {
    engine = inNewPidNamespace('sh', '-c', 'unshare --pid --fork --kill-child sleep 1000 & wait').pid;
    init = await childOf(engine, 'sh');
    worker = await childOf(init, 'unshare');
    nested = await childOf(worker);
    expect([init, worker, nested].map((pid) => pidsOf(pid).length)).toEqual([2, 2, 3]);
  }, 20_000);

  test('it is pid 1 of that namespace, in any order and with any nesting', () => {
    const kernel = kernelFiles();
    expect(found(kernel, container({ '': [nested, worker, init] }))).toBe(init);
    expect(found(kernel, container({ '': [init, worker, nested] }))).toBe(init);
  });

  test('a process of docker exec whose command line is not known yet does not matter', async () => {
    const entered = start('nsenter', '--target', String(init), '--pid', 'sleep', '1000').pid;
    const exec = await childOf(entered);
    expect(pidsOf(exec)).toHaveLength(2);
    const path = container({ '': [init, exec] });
    const lines = onlyKnown(init);
    expect(found(kernelFiles(100, lines), path)).toBe(init);
    expect(lines.asked).toEqual(new Set([exec]));
    expect(found(kernelFiles(100, onlyKnown(exec)), path)).toBeUndefined();
  });

  test('its start moves with the clock at once, as an age by a clock that was set would be wrong', () => {
    const kernel = kernelFiles();
    const path = container({ '': [init, worker] });
    let boot = 1e9;
    const real = kernel.proc.bind(kernel);
    vi.spyOn(kernel, 'proc').mockImplementation((name) => (name === 'stat' ? `btime ${boot}\n` : real(name)));
    const wall = vi.spyOn(Date, 'now');
    onTestFinished(() => wall.mockRestore());
    const look = (): number => {
      const answer = findInit(kernel, kernel.cgroup(path));
      answer?.files.close();
      return (answer?.startTime ?? NaN) - (answer?.startedAfterBoot ?? NaN);
    };
    expect(look()).toBe(1e9);
    const now = Date.now();
    // A leap second, or the slow correction of a clock, is no step.
    boot += 1;
    wall.mockReturnValue(now + 500);
    expect(look()).toBe(1e9);
    boot += 7_200;
    wall.mockReturnValue(now + 7_200_000);
    expect(look()).toBe(1e9 + 7_201);
  });

  test('its facts come from the process', () => {
    const kernel = kernelFiles();
    const answer = findInit(kernel, kernel.cgroup(container({ '': [init, worker] })));
    expect(answer).toMatchObject({ pid: init, namespacesError: undefined });
    for (const kind of ['pid', 'net', 'mnt', 'uts', 'ipc', 'user', 'cgroup', 'time'] as const) {
      expect(`${kind}:[${answer?.namespaces[kind]}]`).toBe(readlinkSync(`/proc/${init}/ns/${kind}`));
    }
    expect(Math.abs(Date.now() / 1000 - (answer?.startTime ?? 0))).toBeLessThan(60);
    expect(answer?.files.text('comm')).toBe('sh\n');
    answer?.files.close();
  });

  test('it is found without free descriptors', () => {
    const kernel = kernelFiles(0);
    expect(found(kernel, container({ '': [worker, init] }))).toBe(init);
  });

  test('processes in inner cgroups count, those of nested containers and its engine do not', () => {
    const kernel = kernelFiles();
    expect(found(kernel, container({ '': [], 'init.scope': [init], 'system.slice/x.service': [worker, nested] }))).toBe(
      init,
    );
    expect(found(kernel, container({ '': [worker], [`docker/${A}`]: [nested] }))).toBe(worker);
    expect(found(kernel, container({ '': [], [`docker/${A}`]: [nested] }))).toBe(undefined);
  });

  test('processes in inner cgroups count that only have the name of an engine’s own', () => {
    const kernel = kernelFiles();
    expect(found(kernel, container({ '': [], 'libpod_parent/conmon': [worker] }))).toBe(worker);
    expect(found(kernel, container({ '': [], 'machine-m1.scope/supervisor': [worker] }))).toBe(worker);
  });

  test('a container in a container is found by its own cgroup', () => {
    const path = container({ '': [init], [`docker/${B}`]: [nested] });
    expect(found(kernelFiles(), `${path}/docker/${B}`)).toBe(nested);
  });

  test('nspawn in the cgroup of the container is not its init', async () => {
    const nspawn = start('bash', '-c', 'exec -a systemd-nspawn sh -c "unshare --pid --fork sleep 1000; true"').pid;
    const unshare = await childOf(nspawn, 'unshare');
    const payload = await childOf(unshare);
    // The name in the path makes it an nspawn container; unshare stands for nspawn's first child.
    writeIn('machine.slice/machine-m1.scope/cgroup.procs', `${nspawn}\n`);
    writeIn('machine.slice/machine-m1.scope/payload/cgroup.procs', `${payload}\n${unshare}\n`);
    expect(found(kernelFiles(), '/machine.slice/machine-m1.scope')).toBe(unshare);
    expect(found(kernelFiles(), container({ '': [payload, nspawn, unshare] }))).toBe(nspawn);
  }, 20_000);

  test('a container whose first process is named like an engine’s still has an init', async () => {
    const conmon = 'exec -a conmon bash -c "sleep 1000 & wait"';
    const first = await childOf(inNewPidNamespace('bash', '-c', conmon).pid, 'bash');
    const worker = await childOf(first);
    writeIn(`libpod_parent/libpod-${A}/cgroup.procs`, `${worker}\n${first}\n`);
    expect(found(kernelFiles(), `/libpod_parent/libpod-${A}`)).toBe(first);
  }, 20_000);

  test('gVisor’s file server is not the init, although it is older and pid 1 of its own namespace', async () => {
    const gofer = inNewPidNamespace('bash', '-c', 'exec -a runsc-gofer sleep 1000');
    const first = await childOf(gofer.pid);
    const sandbox = start('sleep', '1000').pid;
    expect(found(kernelFiles(), container({ '': [first, sandbox] }))).toBe(sandbox);
    // A process that only poses as an engine's tool is still found.
    expect(found(kernelFiles(), container({ '': [first] }))).toBe(first);
  }, 20_000);
});

/** Runs its arguments with a seccomp filter that allows everything. */
const WITH_FILTER = `
  my $filter = pack('SCCL', 0x06, 0, 0, 0x7fff0000);
  my $program = pack('S x![Q] P', 1, $filter);
  syscall(${process.arch === 'arm64' ? 167 : 157}, 22, 2, $program) == 0 or die $!;
  exec @ARGV`;

describe('in the pid namespace of the host', () => {
  test('it is the oldest whose parent is outside', async () => {
    const main = start('sh', '-c', 'unshare --pid --fork --kill-child sleep 1000 & wait').pid;
    const unshare = await childOf(main, 'unshare');
    const nested = await childOf(unshare);
    // It starts more than one tick of the kernel's clock later.
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
    const exec = start('sleep', '1000').pid;
    const kernel = kernelFiles();
    expect(found(kernel, container({ '': [nested, exec, unshare, main] }))).toBe(main);
    // One look asks for all command lines: `scan` looks twice at most.
    const lines = onlyKnown();
    const path = container({ '': [exec, unshare, main] });
    expect(found(kernelFiles(100, lines), path)).toBeUndefined();
    expect(lines.asked).toEqual(new Set([exec, main]));
    expect(found(kernelFiles(100, onlyKnown(exec, main)), path)).toBe(main);
    expect(found(kernelFiles(100, onlyKnown(main)), path)).toBeUndefined();
    // The container's first process is gone. A child of `unshare` that is pid 1 of some namespace is not therefore the
    // init.
    expect(found(kernel, container({ '': [nested, exec, unshare] }))).toBe(unshare);
  }, 20_000);

  test.skipIf(process.getuid?.() !== 0)('a confined process is none of the engine, whatever it is called', async () => {
    // Its child is in namespaces of its own, and would look better.
    const conmon = 'exec -a conmon bash -c "unshare --pid --net --fork --kill-child sleep 1000 & wait"';
    for (const [command, ...words] of [
      ['setpriv', '--bounding-set=-net_raw'],
      ['perl', '-e', WITH_FILTER],
    ] as const) {
      const main = start(command, ...words, 'bash', '-c', conmon).pid;
      const unshare = await childOf(main, 'unshare');
      const inner = await childOf(unshare);
      writeIn(`libpod_parent/libpod-${B}/cgroup.procs`, `${inner}\n${unshare}\n${main}\n`);
      expect(found(kernelFiles(), `/libpod_parent/libpod-${B}`)).toBe(main);
    }
  });

  test('an orphan in a pid namespace of its own is not it, although it comes first because pids have wrapped', () => {
    const procRoot = join(root, 'wrapped-proc');
    const write = (pid: number, nspid: string, start: number): void => {
      mkdirSync(join(procRoot, String(pid), 'ns'), { recursive: true });
      const status = readFileSync('/proc/self/status', 'utf8')
        .replace(/^(Tgid|Pid):.*$/gm, `$1:\t${pid}`)
        .replace(/^PPid:.*$/m, 'PPid:\t50')
        .replace(/^NSpid:.*$/m, `NSpid:\t${nspid}`);
      writeFileSync(join(procRoot, String(pid), 'status'), status);
      const stat = `${pid} (sleep) S 50 ${'0 '.repeat(17)}${start} 0`;
      writeFileSync(join(procRoot, String(pid), 'stat'), stat);
      writeFileSync(join(procRoot, String(pid), 'cmdline'), 'sleep\x001000\0');
    };
    write(80, '80\t1', 40_000);
    write(900, '900', 10_000);
    writeFileSync(join(procRoot, 'stat'), 'btime 1700000000\n');
    writeFileSync(join(procRoot, 'uptime'), '1000.00 1000.00\n');
    const kernel = new KernelFiles({ procRoot, layout: kernelFiles().layout, descriptorBudget: 10 });
    expect(found(kernel, container({ '': [80, 900] }))).toBe(900);
  });

  test('more processes than are inspected', () => {
    const main = start('sh', '-c', 'for i in $(seq 300); do sleep 1000 & done; wait');
    return vi.waitFor(
      () => {
        const all = readFileSync(`/proc/${main.pid}/task/${main.pid}/children`, 'utf8').trim().split(' ').map(Number);
        expect(all).toHaveLength(300);
        expect(found(kernelFiles(), container({ '': [...all, main.pid] }))).toBe(main.pid);
      },
      { timeout: 20_000 },
    );
  }, 30_000);
});

test('a threaded cgroup has no list of processes, but one of threads', () => {
  const threads = readdirSync('/proc/self/task').map(Number);
  expect(threads.length).toBeGreaterThan(1);
  expect(found(kernelFiles(), container({ 'cgroup.threads': threads }))).toBe(process.pid);
  const others = threads.filter((tid) => tid !== process.pid);
  expect(found(kernelFiles(), container({ 'cgroup.threads': others }))).toBe(process.pid);
});

test('a process that is not in the container any more is not the init: another one may have its pid', () => {
  const { pid } = start('sleep', '1000');
  const kernel = kernelFiles();
  const cgroup = kernel.cgroup(container({ '': [] }));
  expect(findInit(kernel, cgroup, [pid ?? 0])).toBeUndefined();
  expect(kernel.open).toBe(0);
});

test('a runtime that is about to become the init is not the init', async () => {
  const { pid } = start('bash', '-c', `exec -a runc bash -c 'sleep 1; exec sleep 1000'`);
  const path = container({ '': [pid] });
  const nameOf = () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0];
  await vi.waitFor(() => expect(nameOf()).toBe('runc'), { timeout: 10_000, interval: 5 });
  const early = found(kernelFiles(), path);
  // On a busy machine the check may run too late to see it.
  if (nameOf() === 'runc') expect(early).toBeUndefined();
  await vi.waitFor(() => expect(found(kernelFiles(), path)).toBe(pid), { timeout: 10_000, interval: 50 });
});

test('there is none in a removed or empty cgroup, or with ended or invisible processes', async () => {
  const kernel = kernelFiles();
  const ended = start('true');
  await new Promise((resolve) => {
    ended.once('exit', resolve);
  });
  expect(found(kernel, `/docker/${A}`)).toBeUndefined();
  expect(found(kernel, container({ '': [] }))).toBeUndefined();
  expect(found(kernel, container({ '': [ended.pid] }))).toBeUndefined();
  // Processes outside this process's pid namespace are listed as 0.
  expect(found(kernel, container({ '': [0, 0] }))).toBeUndefined();
});

test.skipIf(canReadNamespacesOfInit())('unreadable namespaces are an error, and the process is known', () => {
  const kernel = kernelFiles();
  const init = findInit(kernel, kernel.cgroup(container({ '': [1] })));
  expect(init).toMatchObject({ pid: 1, namespaces: {} });
  expect(errnoOf(init?.namespacesError)).toBe('EACCES');
  init?.files.close();
});

function canReadNamespacesOfInit(): boolean {
  try {
    readlinkSync('/proc/1/ns/net');
    return true;
  } catch {
    return false;
  }
}
