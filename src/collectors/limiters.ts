import { type Collector, defineContainerCollector, type LabelledFamily } from './collector.ts';
import { cgroupLabel } from './level-labels.ts';
import type { LimitLevel } from './limit-levels.ts';
import {
  type CpuLimiter,
  cpuLimitersOf,
  type MemoryLimiter,
  memoryLimitersOf,
  type PidsLimiter,
  pidsLimitersOf,
} from './limiter-readings.ts';
import { pidsHitsOf } from './pids-hits.ts';

interface Limiters {
  readonly memory: readonly MemoryLimiter[];
  readonly cpu: readonly CpuLimiter[];
  readonly pids: readonly PidsLimiter[];
  /** Forks that one of several limits refused, where the kernel does not show which. */
  readonly unattributed: number | undefined;
}

const LEVEL = ['scope', 'cgroup'] as const;

/** Limits on a container that other cgroups set, the use of these cgroups, and the effects of the limits. */
export const limiters: Collector = defineContainerCollector({
  name: 'limiters',
  help: 'Limits that other cgroups (its pod, a slice, one inside it) set for a container, and their effects.',
  read(container, scrape): Limiters | undefined {
    const memoryLimiters = memoryLimitersOf(container, scrape);
    const cpuLimiters = cpuLimitersOf(container, scrape);
    const pidsLimiters = pidsLimitersOf(container, scrape);
    if (memoryLimiters.length + cpuLimiters.length + pidsLimiters.length === 0) return undefined;
    const { unattributed } = pidsHitsOf(container, scrape);
    return { memory: memoryLimiters, cpu: cpuLimiters, pids: pidsLimiters, unattributed };
  },
  families: [
    memory(
      'limit_bytes',
      'Memory limit of a cgroup above or inside the container: memory.max (v1: memory.limit_in_bytes). cgroup is its path, ' +
        'and scope whose it is: container (inside the container), pod, task (Amazon ECS), unit (systemd) or shared with ' +
        'strangers. Absent without such a limit, as are the other limiter metrics.',
      ({ limit }) => limit,
    ),
    memory(
      'high_bytes',
      'Throttling and reclaim begin above this in the limiting cgroup: memory.high.',
      ({ high }) => high,
    ),
    memory(
      'usage_bytes',
      'All memory charged to the limiting cgroup and those in it: memory.current (v1: memory.usage_in_bytes).',
      ({ usage }) => usage,
    ),
    memory(
      'working_set_bytes',
      'Usage of the limiting cgroup minus inactive_file of its memory.stat, at least 0.',
      ({ workingSet }) => workingSet,
    ),
    memory(
      'unreclaimable_bytes',
      'Memory of the limiting cgroup that the kernel cannot free: see isolation_container_memory_unreclaimable_bytes.',
      ({ unreclaimable }) => unreclaimable,
    ),
    {
      name: 'isolation_container_limiter_memory_events_total',
      type: 'counter',
      help:
        "Times that the limiting cgroup's own limits were met, by anybody in it: high, max and oom of memory.events.local " +
        '(v1: max of memory.failcnt, memsw_max of memory.memsw.failcnt).',
      labels: [...LEVEL, 'event'],
      samples(reading, emit) {
        for (const { level, events } of reading.memory) {
          for (const [event, count] of Object.entries(events)) {
            if (count !== undefined && event !== 'low') emit(count, level.scope, cgroupLabel(level), event);
          }
        }
      },
    },
    cpu(
      'limit_cores',
      'gauge',
      'CPU limit of the limiting cgroup in cores: quota / period of cpu.max (v1: cpu.cfs_quota_us).',
      ({ limit }) => limit,
    ),
    cpu(
      'periods_total',
      'counter',
      'Enforcement periods of the quota of the limiting cgroup in which any process in it had work: nr_periods of its cpu.stat.',
      ({ periods }) => periods,
    ),
    cpu(
      'throttled_periods_total',
      'counter',
      'Periods in which the quota of the limiting cgroup ran out: nr_throttled of its cpu.stat.',
      ({ throttledPeriods }) => throttledPeriods,
    ),
    cpu(
      'throttled_seconds_total',
      'counter',
      'Time that the limiting cgroup was held back by its quota, summed over CPUs: throttled_usec of its cpu.stat (v1: throttled_time).',
      ({ throttled }) => throttled,
    ),
    family(
      'pids_limit',
      'gauge',
      'Limit of processes and threads of the limiting cgroup: pids.max.',
      (reading) => reading.pids,
      ({ limit }) => limit,
    ),
    family(
      'pids',
      'gauge',
      'Processes and threads in the limiting cgroup: pids.current.',
      (reading) => reading.pids,
      ({ current }) => current,
    ),
    {
      name: 'isolation_container_limiter_pids_limit_hits_total',
      type: 'counter',
      help:
        'Forks refused by the PIDs limit of the limiting cgroup, to any process in it: max of pids.events.local. v1, and v2 before ' +
        'Linux 6.11 or with pids_localevents, only count the forks refused to the container (pids.events): those are here if ' +
        'they can only be of this limit, and else under scope unknown without a cgroup.',
      labels: LEVEL,
      samples(reading, emit) {
        for (const { level, hits } of reading.pids) {
          if (hits !== undefined) emit(hits, level.scope, cgroupLabel(level));
        }
        if (reading.unattributed !== undefined) emit(reading.unattributed, 'unknown', '');
      },
    },
  ],
});

type Values<Limiter> = (limiter: Limiter) => number | undefined;

function memory(name: string, help: string, read: Values<MemoryLimiter>): LabelledFamily<Limiters> {
  return family(`memory_${name}`, 'gauge', help, (reading) => reading.memory, read);
}

function cpu(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  read: Values<CpuLimiter>,
): LabelledFamily<Limiters> {
  return family(`cpu_${name}`, type, help, (reading) => reading.cpu, read);
}

/** One sample for each limiting cgroup that has the value. */
function family<Limiter extends { readonly level: LimitLevel }>(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  limitersIn: (reading: Limiters) => readonly Limiter[],
  read: Values<Limiter>,
): LabelledFamily<Limiters> {
  return {
    name: `isolation_container_limiter_${name}`,
    type,
    help,
    labels: LEVEL,
    samples(reading, emit) {
      for (const limiter of limitersIn(reading)) {
        const value = read(limiter);
        if (value !== undefined && value !== Infinity) emit(value, limiter.level.scope, cgroupLabel(limiter.level));
      }
    },
  };
}
