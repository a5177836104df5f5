import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContainerCgroup } from '../container.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import type { KmsgDevice } from '../kernel/kmsg.ts';
import { OomWatch } from './oom-watch.ts';
import { readJournal } from './state-journal.ts';
import { stateIn } from './state.ts';
import { SteadyClock } from '../kernel/steady-clock.ts';

/** A host with cgroup v2 made of plain files, with containers at `/docker/<id>`, for the exporter to watch. */
class Host {
  readonly root: string;
  readonly warnings: string[] = [];
  hasMemory = true;
  /** Whether the kernel's log can be read. It contains no kills. */
  hasLog = false;

  constructor(root: string) {
    this.root = root;
    mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true });
    mkdirSync(join(root, 'state'));
    writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'boot\n');
    writeFileSync(join(root, 'kmsg'), '6,1,1,-;Linux version 6.1\n');
    this.kills(0);
    this.count('/docker', 0);
  }

  /** One run of the exporter. */
  begin(clock = new SteadyClock()): OomWatch {
    const hierarchy = { root: join(this.root, 'cgroup'), mountRoot: '/', version: 2 as const, controllers: ['memory'] };
    const layout = {
      version: 'v2' as const,
      hierarchies: [hierarchy],
      discovery: hierarchy,
      unified: hierarchy,
      hierarchyOf: () => (this.hasMemory ? hierarchy : undefined),
    };
    return new OomWatch({
      kernel: new KernelFiles({ procRoot: join(this.root, 'proc'), layout, descriptorBudget: 0 }),
      log: { debug() {}, info() {}, warn: (_, message) => this.warnings.push(message), error() {} },
      kmsg: this.hasLog ? join(this.root, 'kmsg') : undefined,
      openLog: openFile,
      clock,
      stateFile: join(this.root, 'state/oom.json'),
      retention: 3_600_000,
      identify: () => undefined,
      afterEvents: (callback) => void setImmediate(callback),
      certainSince: () => -Infinity,
      names: { labelsOf: () => undefined, wantName() {}, forgetName() {} },
    });
  }

  /** Sets the host's total. */
  kills(kills: number): void {
    writeFileSync(join(this.root, 'proc/vmstat'), `oom_kill ${kills}\n`);
  }

  /** Sets the counter of a cgroup, and creates the cgroup if it does not exist. */
  count(path: string, kills: number): void {
    const directory = join(this.root, 'cgroup', path);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'memory.events'), `oom_kill ${kills}\n`);
  }

  /** The existing container, as discovery would see it. */
  container(id: string): ContainerCgroup {
    const path = `/docker/${id}`;
    const { ino: inode } = statSync(join(this.root, 'cgroup', path));
    return { path, inode, match: { engine: 'docker', id, infra: false }, seenAt: -10_000 };
  }
}

/** A file instead of the device. At its end there is no more. */
function openFile(path: string): KmsgDevice {
  const descriptor = openSync(path, 'r');
  return {
    read: (into) => {
      const length = readSync(descriptor, into, 0, into.length, null);
      if (length === 0) throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' });
      return length;
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

/** Kills by name as a scrape sees them. Unattributed kills have the name ''. */
function scrape(watch: OomWatch, ...containers: readonly ContainerCgroup[]): Record<string, number | undefined> {
  const { accounts, unattributed } = watch.counts(
    containers.map((cgroup) => ({
      cgroup,
      names: { name: cgroup.match.id },
      labels: { engine: 'docker', namespace: '', pod: '', container: cgroup.match.id },
    })),
  );
  return { ...Object.fromEntries(accounts.map(({ labels, kills }) => [labels.container, kills])), '': unattributed };
}

/** The kills of each container in a state file. */
function killsIn(file: string): number[] {
  return stateIn(readJournal(readFileSync(file, 'utf8')).entries).records.map(({ kills }) => kills);
}

describe('OomWatch', () => {
  let root: string;
  let host: Host;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'isolation-exporter-oom-'));
    host = new Host(root);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('does not take the counter of a container for that of the previous one at its path', async () => {
    host.count('/docker/a', 0);
    const first = host.container('a');
    await using watch = host.begin();
    watch.appeared(first);
    watch.start();
    expect(scrape(watch, first)).toEqual({ a: 0, '': 0 });
    // Moved away instead of deleted, so that the file system does not reuse its inode.
    renameSync(join(root, 'cgroup/docker/a'), join(root, 'before'));
    host.count('/docker/a', 1);
    host.kills(1);
    expect(scrape(watch, first)).toEqual({ a: 0, '': 0 });
    watch.removed(first);
    const second = host.container('a');
    watch.appeared(second);
    expect(scrape(watch, second)).toEqual({ a: 1, '': 0 });
  });

  it('has no time for kills before its start, also if it could not read their counter at first', async () => {
    host.count('/docker/a', 1);
    host.kills(1);
    const cgroup = host.container('a');
    const counter = join(root, 'cgroup/docker/a/memory.events');
    rmSync(counter);
    mkdirSync(counter);
    await using watch = host.begin();
    watch.appeared(cgroup);
    watch.start();
    expect(scrape(watch, cgroup)['a']).toBeUndefined();
    rmSync(counter, { recursive: true });
    host.count('/docker/a', 1);
    expect(scrape(watch, cgroup)).toEqual({ a: 1, '': 0 });
    expect(watch.counts([]).accounts).toMatchObject([{ kills: 1, lastKill: undefined }]);
  });

  it('tries again to write the state file after a failure', async () => {
    const directory = join(root, 'state');
    host.count('/docker/a', 0);
    const cgroup = host.container('a');
    await using watch = host.begin();
    watch.appeared(cgroup);
    watch.start();
    await vi.waitFor(() => expect(killsIn(join(directory, 'oom.json'))).toEqual([]));
    rmSync(directory, { recursive: true });
    host.count('/docker/a', 1);
    host.kills(1);
    scrape(watch, cgroup);
    await vi.waitFor(() => expect(watch.sources.get('oom_state_file')).toBe(false), { timeout: 10_000 });
    mkdirSync(directory);
    scrape(watch, cgroup);
    await vi.waitFor(() => expect(watch.sources.get('oom_state_file')).toBe(true), { timeout: 10_000 });
    expect(killsIn(join(directory, 'oom.json'))).toEqual([1]);
  });

  it('saves a kill just before the end, with its time', async () => {
    host.count('/docker/a', 0);
    const cgroup = host.container('a');
    const watch = host.begin();
    watch.appeared(cgroup);
    watch.start();
    host.count('/docker/a', 1);
    host.kills(1);
    await watch[Symbol.asyncDispose]();
    await using next = host.begin();
    next.appeared(cgroup);
    next.start();
    scrape(next, cgroup);
    expect(next.counts([]).accounts).toMatchObject([{ kills: 1, lastKill: expect.closeTo(Date.now() / 1000, -2) }]);
  });

  it('keeps running while the total of the host cannot be read, and catches up afterwards', async () => {
    host.count('/docker/a', 0);
    const cgroup = host.container('a');
    await using watch = host.begin();
    watch.appeared(cgroup);
    watch.start();
    expect(scrape(watch, cgroup)).toEqual({ a: 0, '': 0 });
    renameSync(join(root, 'proc/vmstat'), join(root, 'before'));
    mkdirSync(join(root, 'proc/vmstat'));
    host.count('/docker/a', 1);
    expect(scrape(watch, cgroup)).toEqual({ a: 0, '': undefined });
    expect(watch.counts([]).host).toBeUndefined();
    expect(watch.sources.get('vmstat')).toBe(false);
    rmSync(join(root, 'proc/vmstat'), { recursive: true });
    host.kills(1);
    expect(scrape(watch, cgroup)).toEqual({ a: 1, '': 0 });
    expect(watch.sources.get('vmstat')).toBe(true);
  });

  it('counts by the counters alone if the total of the host can never be read', async () => {
    rmSync(join(root, 'proc/vmstat'));
    mkdirSync(join(root, 'proc/vmstat'));
    host.count('/docker/a', 1);
    const cgroup = host.container('a');
    await using watch = host.begin();
    watch.appeared(cgroup);
    watch.start();
    expect(scrape(watch, cgroup)).toEqual({ a: 1, '': undefined });
  });

  it('counts a kill as an event that waited for a report when the exporter was killed', async () => {
    host.hasLog = true;
    host.count('/docker/a', 0);
    const container = host.container('a');
    const saved = join(root, 'state/oom.json');
    {
      await using watch = host.begin();
      watch.appeared(container);
      watch.start();
      scrape(watch, container);
      host.count('/docker/a', 1);
      host.kills(1);
      expect(scrape(watch, container)).toMatchObject({ a: 1 });
      await vi.waitFor(() => expect(killsIn(saved)).toEqual([1]));
      // As after a SIGKILL.
      cpSync(saved, join(root, 'saved'));
    }
    cpSync(join(root, 'saved'), saved);
    rmSync(join(root, 'cgroup/docker/a'), { recursive: true });
    await using next = host.begin();
    next.start();
    const [account] = next.counts([]).accounts;
    expect(account).toMatchObject({ kills: 1, events: 1 });
  });

  it('saves its state if the total of the host cannot be read at the end', async () => {
    host.count('/docker/a', 1);
    host.kills(1);
    const cgroup = host.container('a');
    const watch = host.begin();
    watch.appeared(cgroup);
    watch.start();
    rmSync(join(root, 'proc/vmstat'));
    mkdirSync(join(root, 'proc/vmstat'));
    await watch[Symbol.asyncDispose]();
    expect(killsIn(join(root, 'state/oom.json'))).toEqual([1]);
  });

  it.each([7_200, -7_200])('keeps kills for the retention although the wall clock is set by %d s', async (step) => {
    const time = { steady: 1_000, wall: 1e9 };
    const pass = (seconds: number): void => {
      time.steady += seconds;
      time.wall += seconds;
    };
    const clock = new SteadyClock({ steady: () => time.steady, wall: () => time.wall });
    host.count('/docker/a', 0);
    const cgroup = host.container('a');
    await using watch = host.begin(clock);
    watch.appeared(cgroup);
    watch.start();
    host.count('/docker/a', 1);
    host.count('/docker', 1);
    host.kills(1);
    expect(scrape(watch, cgroup)).toEqual({ a: 1, '': 0 });
    rmSync(join(root, 'cgroup/docker/a'), { recursive: true });
    watch.removed(cgroup);
    pass(60);
    time.wall += step;
    const { accounts, host: total } = watch.counts([]);
    expect(accounts).toMatchObject([{ kills: 1, lastKill: time.wall - 60 }]);
    expect(total).toBe(1);
    pass(3_600 - 61);
    expect(scrape(watch)).toEqual({ a: 1, '': 0 });
    pass(120);
    expect(scrape(watch)).toEqual({ '': 0 });
    expect(watch.counts([])).toMatchObject({ host: 1, expired: 1 });
  });

  describe('where kills cannot be attributed', () => {
    const warning = 'no memory controller; OOM kills in containers without it stay unattributed';

    beforeEach(() => {
      // This log can be opened. A kernel without the memory controller reports all victims in the root cgroup.
      host.hasLog = true;
    });

    it('exports no kills of containers if the kernel has no memory controller', async () => {
      host.hasMemory = false;
      mkdirSync(join(root, 'cgroup/docker/a'), { recursive: true });
      const cgroup = host.container('a');
      await using watch = host.begin();
      watch.appeared(cgroup);
      watch.start();
      expect(scrape(watch, cgroup)).toEqual({ a: undefined, '': 0 });
      expect(scrape(watch, cgroup)).toEqual({ a: undefined, '': 0 });
      expect([watch.sources.get('memory_controller'), watch.sources.get('kmsg')]).toEqual([false, true]);
      expect(host.warnings).toEqual([warning]);
    });

    it('exports no kills of a container without the controller, until it has it', async () => {
      mkdirSync(join(root, 'cgroup/docker/a'), { recursive: true });
      host.count('/docker/b', 0);
      const [without, web] = [host.container('a'), host.container('b')];
      await using watch = host.begin();
      for (const cgroup of [without, web]) watch.appeared(cgroup);
      watch.start();
      expect(scrape(watch, without, web)).toEqual({ a: undefined, b: 0, '': 0 });
      expect([watch.sources.get('memory_controller'), host.warnings]).toEqual([false, [warning]]);
      host.count('/docker/a', 0);
      expect(scrape(watch, without, web)).toEqual({ a: 0, b: 0, '': 0 });
      expect(watch.sources.get('memory_controller')).toBe(true);
    });

    it('trusts the counter of a container that has made a cgroup like a container without the controller inside', async () => {
      host.count('/docker/a', 0);
      mkdirSync(join(root, 'cgroup/docker/a/x/fake'), { recursive: true });
      const [outer, inner] = [host.container('a'), host.container('a/x/fake')];
      await using watch = host.begin();
      for (const cgroup of [outer, inner]) watch.appeared(cgroup);
      watch.start();
      expect(scrape(watch, outer, inner)).toEqual({ a: 0, 'a/x/fake': undefined, '': 0 });
      expect([watch.sources.get('memory_controller'), watch.sources.get('memory_events')]).toEqual([true, true]);
      expect(host.warnings).toEqual([]);
    });

    it('waits for the cgroups of a container that is just being created', async () => {
      mkdirSync(join(root, 'cgroup/docker/a'), { recursive: true });
      const cgroup = { ...host.container('a'), seenAt: performance.now() };
      await using watch = host.begin();
      watch.appeared(cgroup);
      watch.start();
      expect(scrape(watch, cgroup)).toEqual({ a: undefined, '': 0 });
      expect([watch.sources.get('memory_controller'), host.warnings]).toEqual([true, []]);
    });

    it('relies on the log of a kernel that does not count kills by cgroup, if it can be read', async () => {
      mkdirSync(join(root, 'cgroup/docker/a'), { recursive: true });
      writeFileSync(join(root, 'cgroup/docker/a/memory.events'), 'low 0\nhigh 0\nmax 0\noom 0\n');
      const cgroup = host.container('a');
      for (const [hasLog, kills] of [[true, 0] as const, [false, undefined] as const]) {
        host.hasLog = hasLog;
        await using watch = host.begin();
        watch.appeared(cgroup);
        watch.start();
        expect(scrape(watch, cgroup)['a']).toBe(kills);
        expect(watch.sources.get('memory_controller')).toBe(true);
      }
    });
  });
});
