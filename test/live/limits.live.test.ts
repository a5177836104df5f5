import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import type { Background, Machine } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import { untilShown, within } from './docker-containers.ts';
import { kernelValue, makeCgroups, runIn } from './limit-tree.ts';

describeLive('limits of other cgroups on this host', ['containers'], () =>
  suite({ findMachine: () => Promise.resolve(host), pidsAreCountedBy: 'fork' }),
);
describeLong('limits of other cgroups on cgroup v2', ['guest'], () =>
  suite({ findMachine: () => sharedGuest('plain'), pidsAreCountedBy: 'fork' }),
);
describeLong('limits of other cgroups on cgroup v2 of Linux 6.12', ['guest-newer'], () =>
  suite({ findMachine: () => sharedGuest('newer'), pidsAreCountedBy: 'limit' }),
);

// Time-outs inside the test expire before this one, also in the guest, because their messages say what was missing.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

const MIB = 1024 * 1024;
const POD = 'pod12345678-1234-1234-1234-123456789abc';
const [web, db, bestEffort, burstable] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64)) as [
  string,
  string,
  string,
  string,
];

/** Forks 12 processes, prints how many forks were refused, holds 12 MiB that the kernel cannot drop, and is busy for a while. */
const LOAD = (file: string) => `exec perl -e '
  my $refused = 0;
  for (1 .. 12) { my $pid = fork; if (!defined $pid) { $refused++ } elsif ($pid == 0) { sleep 100000; exit } }
  $| = 1;
  print "refused $refused\\n";
  open(my $out, ">", "${file}"); print $out "x" x ${MIB} for 1 .. 12; close $out;
  my $end = time + 2; 1 while time < $end;
  print "done\\n";
  sleep 100000'`;

function suite(options: {
  readonly findMachine: () => Promise<Machine>;
  readonly pidsAreCountedBy: 'fork' | 'limit';
}): void {
  const parent = `isolation-exporter-limits-${process.pid}`;
  const task = `${parent}/ecs/${'1'.repeat(32)}`;
  const kubepods = `${parent}/kubepods`;
  let machine: Machine;
  let exporter: Exporter;
  const running: Background[] = [];
  let refused = 0;

  beforeAll(async () => {
    machine = await options.findMachine();
    await makeCgroups(
      machine,
      `make ${task}/${web}; make ${task}/${db}
      limit ${task} memory ${32 * MIB}; limit ${task} cpu 50000; limit ${task} pids 10
      make ${kubepods}/besteffort/${POD}/${bestEffort}; make ${kubepods}/burstable/${POD}/${burstable}
      limit ${kubepods} memory ${512 * MIB}; limit ${kubepods} pids 1000
      limit ${kubepods}/burstable/${POD} memory ${128 * MIB}; limit ${kubepods}/burstable/${POD} cpu 50000
      limit ${kubepods}/burstable/${POD} pids 100`,
    );
    const loads = [web, db].map((id) => [id, LOAD(`/dev/shm/${parent}-${id.slice(0, 1)}`)] as const);
    for (const [id, load] of loads) running.push(await runIn(machine, `${task}/${id}`, load));
    for (const load of running) {
      const output = async () => (await load.output()).stdout;
      await within(machine, 'the load', async () => (await output()).includes('done'), 60_000);
      refused += Number(/refused (\d+)/.exec(await output())?.[1]);
    }
    // Fills the page cache, which the limit makes the kernel drop. In the guest it reads a large file that is not in
    // the cache yet.
    const cache =
      machine === host ? `dd if=/dev/zero of=/tmp/${parent} bs=1M count=24` : 'cat /usr/bin/qemu-system-x86_64';
    const reader = await runIn(machine, `${task}/${web}`, `exec ${cache} > /dev/null 2>&1`);
    await within(machine, 'the page cache', async () => (await reader.exitCode()) !== undefined, 60_000);
    await reader.stop();
    for (const path of [`besteffort/${POD}/${bestEffort}`, `burstable/${POD}/${burstable}`]) {
      running.push(await runIn(machine, `${kubepods}/${path}`, 'exec sleep 100000'));
    }
    exporter = await startExporter(machine, { flags: ['--docker.host='] });
    await untilShown(machine, exporter, [web, db, bestEffort, burstable]);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    for (const each of running) await each.stop();
    await machine?.run(`rm -f /tmp/${parent} /dev/shm/${parent}-*`);
    if (machine !== undefined) await removeCgroups(machine, parent);
  });

  const valuesOf = (samples: Samples, id: string) => {
    const labels = { container: id.slice(0, 12) };
    return (name: string, more: Readonly<Record<string, string>> = {}) =>
      samples.value(`isolation_container_${name}`, { ...labels, ...more });
  };
  const kernel = (controller: string, file: string, key?: string) =>
    kernelValue(machine, controller, `${task}/${file}`, key);

  test('of a task: throttling, memory events and refused forks are those of the task, and none are its own', async () => {
    const of = { scope: 'task', cgroup: `/${task}` };
    const value = valuesOf(await exporter.scrape(), web);
    const isV1 = (await kernel('memory', 'memory.failcnt')) !== undefined;
    const throttled = isV1
      ? ((await kernel('cpu', 'cpu.stat', 'throttled_time')) ?? NaN) / 1e9
      : ((await kernel('cpu', 'cpu.stat', 'throttled_usec')) ?? NaN) / 1e6;
    const [periods, throttledPeriods] = [
      await kernel('cpu', 'cpu.stat', 'nr_periods'),
      await kernel('cpu', 'cpu.stat', 'nr_throttled'),
    ];
    expect(throttledPeriods).toBeGreaterThan(0);
    expect([
      value('limiter_cpu_limit_cores', of),
      value('limiter_cpu_periods_total', of),
      value('limiter_cpu_throttled_periods_total', of),
      value('limiter_cpu_throttled_seconds_total', of),
    ]).toEqual([0.5, periods, throttledPeriods, throttled]);

    const hits = isV1 ? await kernel('memory', 'memory.failcnt') : await kernel('memory', 'memory.events.local', 'max');
    expect(hits).toBeGreaterThan(0);
    expect(value('limiter_memory_events_total', { ...of, event: 'max' })).toBe(hits);

    expect(refused).toBeGreaterThan(0);
    const samples = await exporter.scrape();
    const [byWeb, byDb] = [web, db].map((id) => valuesOf(samples, id)('limiter_pids_limit_hits_total', of) ?? NaN);
    const local = await kernel('pids', 'pids.events.local', 'max');
    const inEach = await Promise.all([web, db].map((id) => kernel('pids', `${id}/pids.events`, 'max')));
    const isByLimit = options.pidsAreCountedBy === 'limit';
    expect([byWeb, byDb]).toEqual(isByLimit ? [local, local] : inEach);
    expect(isByLimit ? byWeb : (byWeb ?? NaN) + (byDb ?? NaN)).toBe(refused);

    const own = ['cpu_throttled_periods_total', 'cpu_periods_total', 'memory_events_total', 'pids_limit_hits_total'];
    expect(own.map((name) => value(name))).toEqual(own.map(() => undefined));
    expect(['memory', 'cpu', 'pids'].map((name) => value(`${name}_limited`))).toEqual([1, 1, 1]);
  });

  test('its containers fill its memory together, each far from the limit', async () => {
    const samples = await exporter.scrape();
    const of = { scope: 'task', cgroup: `/${task}` };
    for (const id of [web, db]) {
      const value = valuesOf(samples, id);
      const limit = value('limiter_memory_limit_bytes', of) ?? NaN;
      expect(limit).toBe(32 * MIB);
      expect((value('memory_working_set_bytes') ?? NaN) / limit).toBeLessThan(0.6);
      expect((value('limiter_memory_working_set_bytes', of) ?? NaN) / limit).toBeGreaterThan(0.7);
    }
    const pids = valuesOf(samples, web)('limiter_pids', of);
    expect(pids).toBe(await kernel('pids', 'pids.current'));
  });

  test('of kubepods are no limits of a BestEffort pod', async () => {
    const value = valuesOf(await exporter.scrape(), bestEffort);
    expect(['memory', 'cpu', 'pids'].map((name) => value(`${name}_limited`))).toEqual([0, 0, 0]);
    const findings = ['memory_unlimited', 'cpu_unlimited', 'pids_unlimited'];
    expect(findings.map((finding) => value('finding', { finding }))).toEqual([1, 1, 1]);
    expect([value('memory_limit_bytes'), value('pids_limit')]).toEqual([512 * MIB, 1000]);
    expect(value('effective_limit_info', { resource: 'memory', scope: 'shared', cgroup: `/${kubepods}` })).toBe(1);
  });

  test('of a pod are limits of its containers', async () => {
    const value = valuesOf(await exporter.scrape(), burstable);
    expect(['memory', 'cpu', 'pids'].map((name) => value(`${name}_limited`))).toEqual([1, 1, 1]);
    for (const family of ['finding', 'finding_unknown']) {
      expect(value(family, { finding: 'memory_unlimited' })).toBeUndefined();
    }
    expect(value('isolation_level')).toBeDefined();
    expect([value('memory_limit_bytes'), value('cpu_limit_cores'), value('pids_limit')]).toEqual([128 * MIB, 0.5, 100]);
    const cgroup = `/${kubepods}/burstable/${POD}`;
    expect(value('effective_limit_info', { resource: 'memory', scope: 'pod', cgroup })).toBe(1);
  });
}
