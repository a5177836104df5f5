import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { TICKS_PER_SECOND } from '../kernel/proc-stat.ts';
import { parsedFile, singleValue } from './cgroup-value.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

/** Seconds and counts since the cgroup was made. */
interface CpuReading {
  readonly usage?: number | undefined;
  readonly user?: number | undefined;
  readonly system?: number | undefined;
  readonly periods?: number | undefined;
  readonly throttledPeriods?: number | undefined;
  readonly throttled?: number | undefined;
  readonly burst?: number | undefined;
}

/** CPU time, and whether the quota held the container back. */
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
      name: 'isolation_container_cpu_periods_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Enforcement periods in which the container had work: nr_periods of cpu.stat. Absent without the cpu controller.',
      value: (reading) => reading.periods,
    },
    {
      name: 'isolation_container_cpu_throttled_periods_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Periods in which the quota ran out: nr_throttled of cpu.stat. Absent without the cpu controller.',
      value: (reading) => reading.throttledPeriods,
    },
    {
      name: 'isolation_container_cpu_throttled_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Time the container was held back by its quota, summed over CPUs: throttled_usec of cpu.stat (v1: throttled_time). Absent without the cpu controller.',
      value: (reading) => reading.throttled,
    },
    {
      name: 'isolation_container_cpu_burst_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Time used beyond the quota out of saved-up budget: burst_usec of cpu.stat (v1: burst_time), Linux 5.14. Absent before.',
      value: (reading) => reading.burst,
    },
  ],
});

/** Reads the CPU time of a container. */
export function readCpu({ files }: Pick<Container, 'files'>): CpuReading | undefined {
  return files.versionOf('cpu') === 1 ? readV1(files) : readV2(files);
}

const parseV2Stat = flatKeyedParser([
  'usage_usec',
  'user_usec',
  'system_usec',
  'nr_periods',
  'nr_throttled',
  'throttled_usec',
  'burst_usec',
]);

function readV2(files: CgroupFiles): CpuReading | undefined {
  // Usage is there in every cgroup2 cgroup, with the cpu controller or without.
  const stat = parsedFile(files, 'unified', 'cpu.stat', parseV2Stat);
  if (stat === undefined) return undefined;
  return {
    usage: scaled(stat.usage_usec, 1e6),
    user: scaled(stat.user_usec, 1e6),
    system: scaled(stat.system_usec, 1e6),
    periods: stat.nr_periods,
    throttledPeriods: stat.nr_throttled,
    throttled: scaled(stat.throttled_usec, 1e6),
    burst: scaled(stat.burst_usec, 1e6),
  };
}

const parseV1Stat = flatKeyedParser(['nr_periods', 'nr_throttled', 'throttled_time', 'burst_time']);
/** In ticks. */
const parseV1Account = flatKeyedParser(['user', 'system']);

function readV1(files: CgroupFiles): CpuReading {
  const stat = parsedFile(files, 'cpu', 'cpu.stat', parseV1Stat);
  const account = parsedFile(files, 'cpuacct', 'cpuacct.stat', parseV1Account);
  return {
    usage: scaled(singleValue(files, 'cpuacct', 'cpuacct.usage'), 1e9),
    user: scaled(account?.user, TICKS_PER_SECOND),
    system: scaled(account?.system, TICKS_PER_SECOND),
    periods: stat?.nr_periods,
    throttledPeriods: stat?.nr_throttled,
    throttled: scaled(stat?.throttled_time, 1e9),
    burst: scaled(stat?.burst_time, 1e9),
  };
}

function scaled(value: number | undefined, unitsPerSecond: number): number | undefined {
  return value === undefined ? undefined : value / unitsPerSecond;
}
