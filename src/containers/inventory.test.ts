import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContainerCgroup, Names } from '../container.ts';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { type CommandLines, PENDING } from '../kernel/command-lines.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { PostureReader } from '../posture/read-posture.ts';
import { namedByInspect } from '../engines/docker-names.ts';
import type { NameSource } from '../engines/name-source.ts';
import { Naming } from '../engines/naming.ts';
import { ContainerInventory } from './inventory.ts';

const ID = 'c'.repeat(64);

/** A real process in a cgroup that is a plain directory. */
let root: string;
let child: ChildProcess;
let kernel: KernelFiles;
const probes = new PathProbes({ info() {}, warn() {} });
afterAll(() => probes[Symbol.dispose]());

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-inventory-'));
  child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const layout = {
    ...findCgroupLayout('/proc', '/sys/fs/cgroup'),
    discovery: { root, mountRoot: '/', version: 2, controllers: [] },
  };
  kernel = new KernelFiles({ procRoot: '/proc', layout: layout as typeof kernel.layout, descriptorBudget: 100 });
  vi.useFakeTimers({ toFake: ['performance'] });
});

afterEach(() => {
  vi.useRealTimers();
  child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

function cgroup(id = ID): ContainerCgroup {
  const path = `/docker/${id}`;
  mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, path, 'cgroup.procs'), `${child.pid}\n`);
  return {
    path,
    inode: statSync(join(root, path)).ino,
    match: { engine: 'docker', id, infra: false },
    seenAt: performance.now(),
  };
}

function source(up: boolean | undefined, names: Map<string, Names>): NameSource {
  return {
    name: 'docker',
    mayKnow: ({ engine }) => engine === 'docker',
    up,
    tried: true,
    limitHits: new Map(),
    namesOf: (id) => names.get(id),
    want() {},
    forget() {},
    async [Symbol.asyncDispose]() {},
  };
}

describe('ContainerInventory', () => {
  it('shows when a container was started by the clock as it is set now', async () => {
    const postures = new PostureReader(kernel, new Map(), probes);
    const inventory = new ContainerInventory({ kernel, postures, naming: new Naming([]) });
    const real = kernel.proc.bind(kernel);
    let boot = 2e9;
    vi.spyOn(kernel, 'proc').mockImplementation((name) => (name === 'stat' ? `btime ${boot}\n` : real(name)));
    inventory.add(cgroup());
    const start = async () => (await inventory.containers())[0]?.init?.startTime ?? NaN;
    const before = await start();
    const wall = vi.spyOn(Date, 'now');
    try {
      for (const step of [-7_200, 86_400]) {
        const now = Date.now();
        boot += step;
        wall.mockReturnValue(now + step * 1_000);
        expect(await start()).toBe(before - 2e9 + boot);
      }
    } finally {
      wall.mockRestore();
    }
  });

  it('notices a later init process also if the clock was set back meanwhile', async () => {
    const restarted: ContainerCgroup[] = [];
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([]),
      onRestarted: (found) => restarted.push(found),
    });
    const real = kernel.proc.bind(kernel);
    let boot = 2e9;
    vi.spyOn(kernel, 'proc').mockImplementation((name) => (name === 'stat' ? `btime ${boot}\n` : real(name)));
    const it = cgroup();
    inventory.add(it);
    const first = (await inventory.containers())[0]?.init?.startTime ?? 0;
    expect(first).toBeGreaterThan(2e9);
    await sleep(50);
    const second = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(second, 'spawn');
    writeFileSync(join(root, it.path, 'cgroup.procs'), `${second.pid}\n`);
    // By more than any machine has been up. The next look at it is half a minute later.
    boot -= 1e9;
    vi.advanceTimersByTime(61_000);
    expect((await inventory.containers())[0]?.init?.startTime).toBeLessThan(first);
    second.kill('SIGKILL');
    expect(restarted).toEqual([it]);
  });

  it('keeps the files of an unchanged process for a concurrent scrape', async () => {
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([]),
    });
    inventory.add(cgroup());
    const [before] = await inventory.containers();
    vi.advanceTimersByTime(46_000);
    const [after] = await inventory.containers();
    expect(after).not.toBe(before);
    expect(after?.init?.pid).toBe(child.pid);
    // What is made of facts that have not changed need not be made again.
    expect(after?.posture).toBeDefined();
    expect(after?.posture).toBe(before?.posture);
    expect(after?.init?.namespaces).toBe(before?.init?.namespaces);
    expect(after?.postureReadAt).toBeGreaterThan((before?.postureReadAt ?? NaN) + 45_000);
    expect(before?.init?.files.text('comm')).toBe('sleep\n');
    expect(kernel.open).toBe(1);
    inventory.close();
    expect(kernel.open).toBe(0);
  });

  it('reads again in the next scrape what could not be read', async () => {
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([]),
    });
    inventory.add(cgroup());
    const list = join(root, 'docker', ID, 'cgroup.procs');
    const errors: (string | undefined)[] = [];
    const look = async (): Promise<void> => void errors.push((await inventory.containers())[0]?.initError?.message);
    await look();
    rmSync(list);
    mkdirSync(list);
    await look();
    rmSync(list, { recursive: true });
    writeFileSync(list, `${child.pid}\n`);
    await look();
    expect(errors).toEqual([undefined, expect.stringContaining('EISDIR'), undefined]);
    inventory.close();
  });

  it('reads facts that need a command line, also if it comes before the pass over all containers ends', async () => {
    const known = new Set<number>();
    let pending = 0;
    const commandLines: CommandLines = {
      of({ pid }) {
        if (known.has(pid)) return 'sleep\0';
        known.add(pid);
        pending += 1;
        return PENDING;
      },
      get pending() {
        return pending;
      },
      settled: () => Promise.resolve(),
    };
    const { layout, procRoot } = kernel;
    kernel = new KernelFiles({ procRoot, layout, descriptorBudget: 100, commandLines });
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([]),
    });
    inventory.add(cgroup());
    // One of the two with a parent outside may be an engine's own process.
    const other = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(other, 'spawn');
    writeFileSync(join(root, 'docker', ID, 'cgroup.procs'), `${child.pid}\n${other.pid}\n`);
    const [container] = await inventory.containers();
    other.kill('SIGKILL');
    expect(pending).toBe(2);
    expect(container?.init?.pid).toBe(child.pid);
    inventory.close();
  });

  it('closes the files of an ended process', async () => {
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([]),
    });
    inventory.add(cgroup());
    const [before] = await inventory.containers();
    writeFileSync(join(root, 'docker', ID, 'cgroup.procs'), '');
    vi.advanceTimersByTime(46_000);
    const [after] = await inventory.containers();
    expect(after?.init).toBeUndefined();
    expect(before?.init?.files.text('comm')).toBeUndefined();
    expect(kernel.open).toBe(0);
  });

  it('waits briefly for the name of a new container', async () => {
    const names = new Map<string, Names>();
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([source(false, names)]),
    });
    const [named, nameless] = [ID, 'd'.repeat(64)];
    inventory.add(cgroup(named));
    inventory.add(cgroup(nameless));
    expect(await inventory.containers()).toEqual([]);
    names.set(named, { name: 'web' });
    expect((await inventory.containers()).map(({ labels }) => labels.container)).toEqual(['web']);
    vi.advanceTimersByTime(2_000);
    expect((await inventory.containers()).map(({ labels }) => labels.container)).toEqual(['web', 'd'.repeat(12)]);
    inventory.close();
  });

  it('shows a container outside pods whose image has the label of a pause container', async () => {
    const answer = { Id: ID, Name: '/miner', Config: { Labels: { 'io.kubernetes.docker.type': 'podsandbox' } } };
    const names = new Map([[ID, namedByInspect(answer)?.names ?? {}]]);
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([source(true, names)]),
    });
    inventory.add(cgroup());
    expect((await inventory.containers()).map(({ labels }) => labels.container)).toEqual(['miner']);
    inventory.close();
  });

  it('does not wait for an engine that does not apply', async () => {
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([source(undefined, new Map())]),
    });
    inventory.add(cgroup());
    expect(await inventory.containers()).toHaveLength(1);
    inventory.close();
  });

  it('looks first at the containers that the deadline cut off in the last scrape', async () => {
    const names = new Map<string, Names>();
    const slow = { ...source(true, names) };
    slow.namesOf = () => {
      // Each look takes as long as the whole scrape may.
      vi.advanceTimersByTime(1_000);
      return {};
    };
    const postures = new PostureReader(kernel, new Map(), probes);
    const inventory = new ContainerInventory({ kernel, naming: new Naming([slow]), postures });
    const ids = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
    for (const id of ids) inventory.add(cgroup(id));
    const shown = async (): Promise<string[]> => {
      const containers = await inventory.containers(performance.now() + 500);
      return containers.map((each) => each.cgroup.match.id);
    };
    expect(await shown()).toEqual(ids.slice(0, 1));
    expect(await shown()).toEqual(ids.slice(0, 2));
    expect(await shown()).toEqual(ids);
  });

  it('shows the previous facts after the deadline', async () => {
    const inventory = new ContainerInventory({
      kernel,
      postures: new PostureReader(kernel, new Map(), probes),
      naming: new Naming([]),
    });
    inventory.add(cgroup());
    expect(await inventory.containers(performance.now() - 1)).toEqual([]);
    const known = await inventory.containers();
    expect(known).toHaveLength(1);
    expect(await inventory.containers(performance.now() - 1)).toEqual(known);
    inventory.close();
  });
});
