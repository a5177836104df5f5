import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CgroupTree, samplesOf } from '../../test/cgroup-tree.ts';
import type { Collector } from './collector.ts';
import { cpu } from './cpu.ts';
import { limiters } from './limiters.ts';
import { memory } from './memory.ts';
import { pids } from './pids.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-limiters-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const POD = 'kubepods/burstable/pod12345678-1234-1234-1234-123456789abc';
const WEB = `${POD}/${'a'.repeat(64)}`;

/** The samples of the container in the tree whose names contain one of these words. */
function samplesIn(version: 1 | 2, files: CgroupTree['files'], words: RegExp, more: Partial<CgroupTree> = {}) {
  const tree = { root, version, files, path: `/${WEB}`, ...more };
  const collectors: readonly Collector[] = [memory, cpu, pids, limiters];
  return collectors.flatMap((collector) => samplesOf(collector, tree)).filter((sample) => words.test(sample));
}

describe('CPU throttling', () => {
  const stat = (periods: number, throttled: number) =>
    `usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods ${periods}\nnr_throttled ${throttled}\nthrottled_usec 2500000\n`;

  it('is exported for each cgroup with a quota, from its own cpu.stat', () => {
    const files = {
      'kubepods/cpu.max': 'max 100000\n',
      'kubepods/cpu.stat': stat(0, 0),
      [`${POD}/cpu.max`]: '20000 100000\n',
      [`${POD}/cpu.stat`]: stat(174, 145),
      [`${WEB}/cpu.max`]: '50000 100000\n',
      [`${WEB}/cpu.stat`]: stat(30, 4),
    };
    expect(samplesIn(2, files, /periods|throttled|cores/)).toEqual([
      'cpu_periods_total 30',
      'cpu_throttled_periods_total 4',
      'cpu_throttled_seconds_total 2.5',
      `limiter_cpu_limit_cores{pod,/${POD}} 0.2`,
      `limiter_cpu_periods_total{pod,/${POD}} 174`,
      `limiter_cpu_throttled_periods_total{pod,/${POD}} 145`,
      `limiter_cpu_throttled_seconds_total{pod,/${POD}} 2.5`,
    ]);
  });

  it('is absent for a container without a quota of its own, which keeps its usage', () => {
    const files = { [`${WEB}/cpu.max`]: 'max 100000\n', [`${WEB}/cpu.stat`]: stat(30, 4) };
    expect(samplesIn(2, files, /cpu/)).toEqual([
      'cpu_usage_seconds_total 0.000005',
      'cpu_user_seconds_total 0.000003',
      'cpu_system_seconds_total 0.000002',
    ]);
  });

  it('has the time of bursts once there is any', () => {
    const burst = (v: 1 | 2, files: Readonly<Record<string, string>>) =>
      samplesIn(v, files, /burst/, { path: '/jobs/web' });
    const v2 = (usec: number) => ({
      'jobs/web/cpu.max': '50000 100000\n',
      'jobs/web/cpu.stat': `${stat(30, 4)}nr_bursts 2\nburst_usec ${usec}\n`,
    });
    expect(burst(2, v2(0))).toEqual([]);
    expect(burst(2, v2(1_500_000))).toEqual(['cpu_burst_seconds_total 1.5']);
  });

  it('is read on v1, too', () => {
    const files = {
      'jobs/cpu.cfs_quota_us': '20000\n',
      'jobs/cpu.cfs_period_us': '100000\n',
      'jobs/cpu.stat': 'nr_periods 102\nnr_throttled 89\nthrottled_time 1500000000\nnr_bursts 0\nburst_time 0\n',
      'jobs/web/cpu.cfs_quota_us': '-1\n',
      'jobs/web/cpu.stat': 'nr_periods 0\nnr_throttled 0\nthrottled_time 0\n',
    };
    expect(samplesIn(1, files, /cpu/, { path: '/jobs/web' })).toEqual([
      'limiter_cpu_limit_cores{shared,/jobs} 0.2',
      'limiter_cpu_periods_total{shared,/jobs} 102',
      'limiter_cpu_throttled_periods_total{shared,/jobs} 89',
      'limiter_cpu_throttled_seconds_total{shared,/jobs} 1.5',
    ]);
  });
});

describe('memory events', () => {
  const events = (max: number) => `low 1\nhigh 2\nmax ${max}\noom 1\noom_kill 1\noom_group_kill 0\n`;

  it('are those of each limit itself, not those of all cgroups below it', () => {
    const files = {
      [`${POD}/memory.max`]: '67108864\n',
      [`${POD}/memory.events`]: events(50),
      [`${POD}/memory.events.local`]: events(41),
      [`${POD}/memory.current`]: '60000000\n',
      [`${POD}/memory.stat`]: 'anon 5\ninactive_file 10000000\n',
      [`${WEB}/memory.max`]: '33554432\n',
      [`${WEB}/memory.events`]: events(9),
      [`${WEB}/memory.events.local`]: events(9),
    };
    expect(samplesIn(2, files, /events|limiter_memory/)).toEqual([
      'memory_events_total{max} 9',
      'memory_events_total{oom} 1',
      `limiter_memory_limit_bytes{pod,/${POD}} 67108864`,
      `limiter_memory_usage_bytes{pod,/${POD}} 60000000`,
      `limiter_memory_working_set_bytes{pod,/${POD}} 50000000`,
      `limiter_memory_events_total{pod,/${POD},max} 41`,
      `limiter_memory_events_total{pod,/${POD},oom} 1`,
    ]);
  });

  it('of memory.high and memory.low are there where these are set', () => {
    const files = {
      'kubepods/memory.max': 'max\n',
      'kubepods/memory.high': '900\n',
      'kubepods/memory.events.local': events(0),
      [`${WEB}/memory.max`]: 'max\n',
      [`${WEB}/memory.high`]: 'max\n',
      [`${WEB}/memory.low`]: '100\n',
      [`${WEB}/memory.events.local`]: events(0),
    };
    expect(samplesIn(2, files, /events|limiter_memory/)).toEqual([
      'memory_events_total{low} 1',
      'limiter_memory_high_bytes{shared,/kubepods} 900',
      'limiter_memory_events_total{shared,/kubepods,high} 2',
    ]);
  });

  it('come from memory.events before Linux 5.3', () => {
    const files = { [`${WEB}/memory.max`]: '33554432\n', [`${WEB}/memory.events`]: events(9) };
    expect(samplesIn(2, files, /events/)).toEqual(['memory_events_total{max} 9', 'memory_events_total{oom} 1']);
  });

  it('on v1 are the failures of either limit', () => {
    const files = {
      'jobs/memory.limit_in_bytes': '100\n',
      'jobs/memory.failcnt': '7\n',
      'jobs/memory.memsw.limit_in_bytes': '9223372036854771712\n',
      'jobs/web/memory.limit_in_bytes': '60\n',
      'jobs/web/memory.failcnt': '0\n',
      'jobs/web/memory.memsw.limit_in_bytes': '60\n',
      'jobs/web/memory.memsw.failcnt': '3\n',
    };
    expect(samplesIn(1, files, /events/, { path: '/jobs/web' })).toEqual([
      'memory_events_total{max} 0',
      'memory_events_total{memsw_max} 3',
      'limiter_memory_events_total{shared,/jobs,max} 7',
    ]);
  });

  it('are none without a limit', () => {
    const files = { [`${WEB}/memory.max`]: 'max\n', [`${WEB}/memory.events.local`]: events(9) };
    expect(samplesIn(2, files, /events/)).toEqual([]);
  });
});

describe('hits of PIDs limits', () => {
  /** `pids.events.local` exists since Linux 6.11. */
  const pidsOf = (path: string, limit: string, events: number, more: { local?: number; peak?: number } = {}) => ({
    [`${path}/pids.max`]: `${limit}\n`,
    [`${path}/pids.current`]: '4\n',
    [`${path}/pids.events`]: `max ${events}\n`,
    ...(more.local !== undefined && { [`${path}/pids.events.local`]: `max ${more.local}\n` }),
    ...(more.peak !== undefined && { [`${path}/pids.peak`]: `${more.peak}\n` }),
  });

  it('come from the limited cgroup since Linux 6.11', () => {
    const files = {
      ...pidsOf('kubepods', '30000', 4, { local: 0 }),
      ...pidsOf(POD, '6', 4, { local: 3 }),
      ...pidsOf(WEB, '100', 1, { local: 1 }),
    };
    expect(samplesIn(2, files, /hits|limiter_pids/)).toEqual([
      'pids_limit_hits_total 1',
      `limiter_pids_limit{pod,/${POD}} 6`,
      'limiter_pids_limit{shared,/kubepods} 30000',
      `limiter_pids{pod,/${POD}} 4`,
      'limiter_pids{shared,/kubepods} 4',
      `limiter_pids_limit_hits_total{pod,/${POD}} 3`,
      'limiter_pids_limit_hits_total{shared,/kubepods} 0',
    ]);
  });

  it('are of the one limit that there is where the kernel counts in the container', () => {
    const files = { ...pidsOf(POD, '6', 0), ...pidsOf(WEB, 'max', 3) };
    expect(samplesIn(2, files, /hits/)).toEqual([`limiter_pids_limit_hits_total{pod,/${POD}} 3`]);
    expect(samplesIn(1, files, /hits/)).toEqual([`limiter_pids_limit_hits_total{pod,/${POD}} 3`]);
    const own = { ...pidsOf(POD, 'max', 0), ...pidsOf(WEB, '6', 3) };
    expect(samplesIn(2, own, /hits/)).toEqual(['pids_limit_hits_total 3']);
  });

  it('are of the one limit that was ever reached', () => {
    const files = { ...pidsOf('kubepods', '30000', 0, { peak: 90 }), ...pidsOf(WEB, '6', 3, { peak: 6 }) };
    expect(samplesIn(2, files, /hits/)).toEqual([
      'pids_limit_hits_total 3',
      'limiter_pids_limit_hits_total{shared,/kubepods} 0',
    ]);
  });

  it('are of no known limit where several were reached, and 0 before that', () => {
    const both = (events: number) => ({
      ...pidsOf(POD, '8', 0, { peak: 8 }),
      ...pidsOf(WEB, '6', events, { peak: 6 }),
    });
    expect(samplesIn(2, both(0), /hits/)).toEqual([
      'pids_limit_hits_total 0',
      `limiter_pids_limit_hits_total{pod,/${POD}} 0`,
      'limiter_pids_limit_hits_total{unknown,} 0',
    ]);
    expect(samplesIn(2, both(5), /hits/)).toEqual(['limiter_pids_limit_hits_total{unknown,} 5']);
  });

  it("are the container's own if all limits are in it, as crun sets the same one twice", () => {
    const files = { ...pidsOf(WEB, '6', 0, { peak: 6 }), ...pidsOf(`${WEB}/container`, '6', 3, { peak: 6 }) };
    expect(samplesIn(2, files, /hits/, { initPath: `/${WEB}/container` })).toEqual(['pids_limit_hits_total 3']);
  });

  it("are of the inner one of crun's two limits since Linux 6.11", () => {
    // As Docker 28 with crun 1.28 has it on Linux 7.2.
    const files = { ...pidsOf(WEB, '30', 1, { local: 0 }), ...pidsOf(`${WEB}/container`, '30', 1, { local: 1 }) };
    expect(samplesIn(2, files, /hits/, { initPath: `/${WEB}/container` })).toEqual([
      'pids_limit_hits_total 0',
      `limiter_pids_limit_hits_total{container,/${WEB}/container} 1`,
    ]);
  });

  it('are counted by the next cgroup that has the controller', () => {
    const files = { ...pidsOf('jobs', '6', 3), 'jobs/web/cgroup.procs': '' };
    expect(samplesIn(2, files, /hits/, { path: '/jobs/web' })).toEqual([
      'limiter_pids_limit_hits_total{shared,/jobs} 3',
    ]);
  });

  it('are counted in the container again with pids_localevents', () => {
    const procRoot = join(root, 'proc');
    mkdirSync(join(procRoot, 'self'), { recursive: true });
    writeFileSync(
      join(procRoot, 'self/mountinfo'),
      '41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate,pids_localevents\n',
    );
    const files = { ...pidsOf(POD, '6', 0, { local: 0 }), ...pidsOf(WEB, 'max', 3, { local: 3 }) };
    expect(samplesIn(2, files, /hits/, { procRoot })).toEqual([`limiter_pids_limit_hits_total{pod,/${POD}} 3`]);
  });

  it('are unknown, and not those of a cgroup above, if a count cannot be parsed', () => {
    const parent = pidsOf(POD, '6', 9, { peak: 6 });
    const inner = { ...pidsOf(WEB, 'max', 4), ...pidsOf(`${WEB}/inner`, 'max', 1) };
    const at = { initPath: `/${WEB}/inner` };
    expect(samplesIn(2, { ...parent, ...inner }, /hits/, at)).toEqual([`limiter_pids_limit_hits_total{pod,/${POD}} 5`]);
    for (const path of [WEB, `${WEB}/inner`]) {
      for (const damaged of ['max -1\n', 'max\n', 'no such format\n']) {
        expect(samplesIn(2, { ...parent, ...inner, [`${path}/pids.events`]: damaged }, /hits/, at)).toEqual([]);
      }
    }
  });

  it('are unknown, and not those of all cgroups below, if a local count cannot be parsed', () => {
    const files = {
      ...pidsOf(POD, '6', 9, { local: 3 }),
      ...pidsOf(WEB, '100', 4, { local: 1 }),
      [`${WEB}/pids.events.local`]: 'max -1\n',
    };
    expect(samplesIn(2, files, /hits/)).toEqual([`limiter_pids_limit_hits_total{pod,/${POD}} 3`]);
  });

  it('are absent without a limit', () => {
    expect(samplesIn(2, { ...pidsOf(POD, 'max', 3), ...pidsOf(WEB, 'max', 3) }, /hits|limiter/)).toEqual([]);
  });
});
