import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { parsedFile } from './cgroup-value.ts';

/** The throttling of a cgroup by its own quota, since the cgroup was created. */
export interface Throttling {
  /** Enforcement periods in which the cgroup had work. */
  readonly periods: number | undefined;
  /** The periods of those in which the quota ran out. */
  readonly throttledPeriods: number | undefined;
  /** Seconds, summed over CPUs. */
  readonly throttled: number | undefined;
  /** Seconds used beyond the quota; `undefined` before Linux 5.14. */
  readonly burst: number | undefined;
}

/** CPU time in seconds, and the effects of the quota. */
export interface CpuStat extends Throttling {
  readonly usage: number | undefined;
  readonly user: number | undefined;
  readonly system: number | undefined;
  /** Included in `user`; `undefined` on older kernels: 6.1 lacks it, 6.12 has it. */
  readonly nice: number | undefined;
}

const parseV2 = flatKeyedParser([
  'usage_usec',
  'user_usec',
  'system_usec',
  'nice_usec',
  'nr_periods',
  'nr_throttled',
  'throttled_usec',
  'burst_usec',
]);

/**
 * Reads `cpu.stat` of cgroup v2. Every cgroup has times. Periods and throttling require the cpu controller, and concern
 * only the cgroup's own quota, not those above or below (Documentation/admin-guide/cgroup-v2.rst).
 */
export function readCpuStat(files: CgroupFiles): CpuStat | undefined {
  const stat = parsedFile(files, 'unified', 'cpu.stat', parseV2);
  return (
    stat && {
      usage: scaled(stat.usage_usec, 1e6),
      user: scaled(stat.user_usec, 1e6),
      system: scaled(stat.system_usec, 1e6),
      nice: scaled(stat.nice_usec, 1e6),
      periods: stat.nr_periods,
      throttledPeriods: stat.nr_throttled,
      throttled: scaled(stat.throttled_usec, 1e6),
      burst: scaled(stat.burst_usec, 1e6),
    }
  );
}

const parseV1 = flatKeyedParser(['nr_periods', 'nr_throttled', 'throttled_time', 'burst_time']);

/** Reads `cpu.stat` of the v1 cpu controller, whose times are in nanoseconds. */
export function readV1Throttling(files: CgroupFiles): Throttling | undefined {
  const stat = parsedFile(files, 'cpu', 'cpu.stat', parseV1);
  return (
    stat && {
      periods: stat.nr_periods,
      throttledPeriods: stat.nr_throttled,
      throttled: scaled(stat.throttled_time, 1e9),
      burst: scaled(stat.burst_time, 1e9),
    }
  );
}

/** Divides a value; `undefined` stays `undefined`. */
export function scaled(value: number | undefined, perUnit: number): number | undefined {
  return value === undefined ? undefined : value / perUnit;
}
