import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { findHostNamespaces } from '../kernel/host-namespaces.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { Naming } from '../engines/naming.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { PostureReader } from '../posture/read-posture.ts';
import { ContainerInventory } from './inventory.ts';

/** Processes that change their names on SIGUSR1, which stands for all that they can change about themselves without a new process. */
const CHANGES = ['-e', `print "ready\n"; $SIG{USR1} = sub { $0 = "changed" }; $| = 1; print "\n"; sleep 1 while 1`];

const PATH = `/docker/${'c'.repeat(64)}`;

/** Real processes in a cgroup that is a plain directory. */
let root: string;
const children: ChildProcess[] = [];
let probes: PathProbes;
let postures: PostureReader;
let inventory: ContainerInventory;

async function start(program: string, words: readonly string[]): Promise<number> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child, 'spawn');
  if (program === 'perl') await once(child.stdout, 'data');
  return child.pid ?? NaN;
}

function list(...pids: readonly number[]): void {
  writeFileSync(`${root}${PATH}/cgroup.procs`, pids.map((pid) => `${pid}\n`).join(''));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-facts-'));
  const discovery = { root, mountRoot: '/', version: 2, controllers: [] } as const;
  const layout = {
    ...findCgroupLayout('/proc', '/sys/fs/cgroup'),
    hierarchies: [discovery],
    discovery,
    unified: discovery,
    hierarchyOf: () => discovery,
  };
  const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 100 });
  probes = new PathProbes({ info() {}, warn() {} });
  postures = new PostureReader(kernel, findHostNamespaces('/proc'), probes);
  inventory = new ContainerInventory({ kernel, naming: new Naming([]), postures });
  mkdirSync(root + PATH, { recursive: true });
  list();
  const match = { engine: 'docker', id: 'c'.repeat(64), infra: false };
  vi.useFakeTimers({ toFake: ['performance'] });
  // Otherwise a time is a random one between half of the longest and the longest.
  vi.spyOn(Math, 'random').mockReturnValue(0.999);
  inventory.add({ path: PATH, inode: statSync(root + PATH).ino, match, seenAt: performance.now() });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  inventory.close();
  probes[Symbol.dispose]();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** Scrapes each 15 s, and returns how often everything was read. */
async function scrapeFor(seconds: number): Promise<number> {
  const read = vi.spyOn(postures, 'read');
  for (let passed = 0; passed < seconds; passed += 15) {
    vi.advanceTimersByTime(15_000);
    await inventory.containers();
  }
  const { length } = read.mock.calls;
  read.mockRestore();
  return length;
}

/** Scrapes until nothing will be read for minutes if nothing happens. */
async function untilJustRead(): Promise<void> {
  await inventory.containers();
  await scrapeFor(1_200);
  while ((await scrapeFor(15)) === 0);
}

test('a container with more processes than one look takes is known after one scrape', async () => {
  const first = await start('perl', ['-e', 'for (1 .. 300) { last if !fork } $| = 1; print "ready\n"; sleep 1000']);
  const others = await vi.waitFor(
    () => {
      const pids = readFileSync(`/proc/${first}/task/${first}/children`, 'utf8').match(/\d+/g) ?? [];
      expect(pids).toHaveLength(300);
      return pids.map(Number);
    },
    { timeout: 20_000 },
  );
  try {
    list(first, ...others);
    const [container] = await inventory.containers();
    expect(container?.posture).toMatchObject({ allProcesses: true, escapedProcesses: 0 });
    // Each reading inspects only a part of them again, so they do not become rarer.
    await scrapeFor(300);
    expect(await scrapeFor(150)).toBeGreaterThanOrEqual(3);
  } finally {
    for (const pid of others) process.kill(pid, 'SIGKILL');
  }
});

test('facts that do not change are read less and less often, down to each 300 s', async () => {
  list(await start('sleep', ['1000']));
  await inventory.containers();
  expect(await scrapeFor(90)).toBe(2);
  await untilJustRead();
  const inAnHour = await scrapeFor(3_600);
  expect(inAnHour).toBeGreaterThanOrEqual(12);
  // Where look-ups wait for the CPU, a fact may be unknown for a while and so is read sooner.
  expect(inAnHour).toBeLessThanOrEqual(16);
});

test.each(['the first', 'another'])('what %s process changes about itself shows within 45 s', async (which) => {
  const [first, second] = [await start('perl', CHANGES), await start('perl', CHANGES)];
  list(first, second);
  await untilJustRead();
  const changing = which === 'the first' ? first : second;
  process.kill(changing, 'SIGUSR1');
  await vi.waitFor(() => expect(readFileSync(`/proc/${changing}/comm`, 'utf8')).toBe('changed\n'));
  expect(await scrapeFor(60)).toBeGreaterThanOrEqual(1);
});

test('a process in a new cgroup inside shows within 45 s', async () => {
  list(await start('sleep', ['1000']));
  await untilJustRead();
  mkdirSync(`${root}${PATH}/inner`);
  writeFileSync(`${root}${PATH}/inner/cgroup.procs`, `${await start('sleep', ['1000'])}\n`);
  expect(await scrapeFor(60)).toBeGreaterThanOrEqual(1);
});

/** Sets what the kernel counts: the CPU time in µs, and the processes. Without it they are unknown, as in the other tests. */
function count(usage: number, processes: number): void {
  writeFileSync(`${root}${PATH}/cpu.stat`, `usage_usec ${usage}\nuser_usec 1\n`);
  writeFileSync(`${root}${PATH}/pids.current`, `${processes}\n`);
}

/** Whether the processes are compared within a minute. */
async function areCompared(): Promise<boolean> {
  const compare = vi.spyOn(postures, 'isAsRead');
  await scrapeFor(60);
  const { length } = compare.mock.calls;
  compare.mockRestore();
  return length > 0;
}

test('processes of a container that does not run are not compared, until one has run', async () => {
  count(100, 1);
  list(await start('sleep', ['1000']));
  await untilJustRead();
  expect(await areCompared()).toBe(false);
  count(101, 1);
  expect(await areCompared()).toBe(true);
  expect(await areCompared()).toBe(false);
});

test('a container of which not all is counted is compared', async () => {
  count(100, 1);
  rmSync(`${root}${PATH}/pids.current`);
  list(await start('sleep', ['1000']));
  await untilJustRead();
  expect(await areCompared()).toBe(true);
});

test('a process that comes without running shows in the next scrape', async () => {
  count(100, 1);
  const first = await start('sleep', ['1000']);
  list(first);
  await untilJustRead();
  const second = await start('perl', CHANGES);
  list(first, second);
  count(100, 2);
  const update = vi.spyOn(postures, 'update');
  await scrapeFor(15);
  expect(update.mock.lastCall?.[1].pids).toEqual([first, second].toSorted((a, b) => a - b));
  update.mockRestore();
});

test('after a new process everything is read within 45 s, because it may be about to become another one', async () => {
  const first = await start('sleep', ['1000']);
  list(first);
  await untilJustRead();
  list(first, await start('sleep', ['1000']));
  expect(await scrapeFor(60)).toBeGreaterThanOrEqual(1);
});
