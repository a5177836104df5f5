import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { TICKS_PER_SECOND } from '../kernel/proc-stat.ts';
import { hasLimit } from './cgroup-limits.ts';
import { parsedFile, countIn } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Scrape } from './collector.ts';
import { type CpuStat, readCpuStat, readV1Throttling, scaled, type Throttling } from './cpu-stat.ts';

const ABSENT = 'Absent without a quota of its own: isolation_container_limiter_* has those of other cgroups.';

type CpuReading = CpuStat;

/** The CPU time of a container, and its throttling by its own quota. */
export const cpu: Collector = defineContainerCollector({
  name: 'cpu',
  help: 'CPU time and throttling.',
  read: readCpu,
  families: [
    {
      name: 'isolation_container_cpu_usage_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'CPU time used: usage_usec of cpu.stat (v1: cpuacct.usage).',
      value: (reading) => reading.usage,
    },
    {
      name: 'isolation_container_cpu_user_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'CPU time in user mode: user_usec of cpu.stat (v1: cpuacct.stat, in steps of 10 ms).',
      value: (reading) => reading.user,
    },
    {
      name: 'isolation_container_cpu_system_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'CPU time in the kernel: system_usec of cpu.stat (v1: cpuacct.stat, in steps of 10 ms).',
      value: (reading) => reading.system,
    },
    {
      name: 'isolation_container_cpu_nice_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'CPU time of processes with a lowered priority (nice > 0), a part of that in user mode: nice_usec of cpu.stat. Absent on older kernels (6.1 lacks it, 6.12 has it) and on cgroup v1.',
      value: (reading) => reading.nice,
    },
    {
      name: 'isolation_container_cpu_periods_total',
      type: 'counter',
      since: 'cgroup',
      help: `Enforcement periods of its own quota in which the container had work: nr_periods of cpu.stat. ${ABSENT}`,
      value: (reading) => reading.periods,
    },
    {
      name: 'isolation_container_cpu_throttled_periods_total',
      type: 'counter',
      since: 'cgroup',
      help: `Periods in which its own quota ran out: nr_throttled of cpu.stat. ${ABSENT}`,
      value: (reading) => reading.throttledPeriods,
    },
    {
      name: 'isolation_container_cpu_throttled_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: `Time the container was held back by its own quota, summed over CPUs: throttled_usec of cpu.stat (v1: throttled_time). ${ABSENT}`,
      value: (reading) => reading.throttled,
    },
    {
      name: 'isolation_container_cpu_burst_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Time used beyond its own quota, from saved-up budget: burst_usec of cpu.stat (v1: burst_time), Linux 5.14. Absent before, without a quota, and until the container uses any: no engine sets it up.',
      value: ({ burst }) => (burst === 0 ? undefined : burst),
    },
  ],
});

/** Reads the CPU time of a container, and its throttling by its own quota. */
export function readCpu({ files }: Pick<Container, 'files'>, scrape: Scrape): CpuReading | undefined {
  const isLimited = hasLimit(files, 'cpu', scrape);
  if (files.versionOf('cpu') === 1) return readV1(files, isLimited ? readV1Throttling(files) : undefined);
  const stat = readCpuStat(files);
  if (stat === undefined || isLimited) return stat;
  // Without a quota the kernel's counts do not change: they stay at 0, or at their values when the quota was removed.
  const { usage, user, system, nice } = stat;
  const { periods, throttledPeriods, throttled, burst } = NO_THROTTLING;
  return { usage, user, system, nice, periods, throttledPeriods, throttled, burst };
}

const NO_THROTTLING: Throttling = {
  periods: undefined,
  throttledPeriods: undefined,
  throttled: undefined,
  burst: undefined,
};

/** In clock ticks. */
const parseV1Account = flatKeyedParser(['user', 'system']);

function readV1(files: CgroupFiles, throttling: Throttling = NO_THROTTLING): CpuReading {
  const account = parsedFile(files, 'cpuacct', 'cpuacct.stat', parseV1Account);
  return {
    usage: scaled(countIn(files, 'cpuacct', 'cpuacct.usage'), 1e9),
    user: scaled(account?.user, TICKS_PER_SECOND),
    system: scaled(account?.system, TICKS_PER_SECOND),
    nice: undefined,
    periods: throttling.periods,
    throttledPeriods: throttling.throttledPeriods,
    throttled: throttling.throttled,
    burst: throttling.burst,
  };
}
