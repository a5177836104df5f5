import { parseCpuMax } from '../kernel/cpu-max.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { parseV1Limit } from '../kernel/single-value.ts';
import { parsedFile, singleValue } from './cgroup-value.ts';
import { oncePerScrape, type Scrape } from './collector.ts';

/** Limits of one cgroup; `Infinity`: unlimited, `undefined`: the controller is not there, or its limit is unknown. */
export interface CgroupLimits {
  /** Bytes. */
  readonly memory: number | undefined;
  /** Bytes; on v1 of memory and swap together. */
  readonly swap: number | undefined;
  /** Cores. */
  readonly cpu: number | undefined;
  /** Processes and threads. */
  readonly pids: number | undefined;
}

export type LimitedResource = keyof CgroupLimits;

/** `high` and `low` are of memory too, in bytes: reclaim begins above the one, and ends below the other. */
type Limit = LimitedResource | 'high' | 'low';

/** The controller that limits a resource. */
export const RESOURCE_CONTROLLERS = { memory: 'memory', swap: 'memory', cpu: 'cpu', pids: 'pids' } as const;

/** Each limit is read once per scrape, however many containers a cgroup holds. */
const known = oncePerScrape(() => ({
  memory: new Map<CgroupFiles, number | undefined>(),
  swap: new Map<CgroupFiles, number | undefined>(),
  cpu: new Map<CgroupFiles, number | undefined>(),
  pids: new Map<CgroupFiles, number | undefined>(),
  high: new Map<CgroupFiles, number | undefined>(),
  low: new Map<CgroupFiles, number | undefined>(),
  hierarchical: new Map<CgroupFiles, boolean>(),
}));

/**
 * Reads a limit of one cgroup: `memory.max`, `memory.swap.max`, `cpu.max`, `pids.max`, `memory.high` or `memory.low` (v1:
 * `memory.limit_in_bytes`, `memory.memsw.limit_in_bytes`, `cpu.cfs_quota_us` with `cpu.cfs_period_us`, `pids.max`, none,
 * `memory.soft_limit_in_bytes`).
 *
 * @throws SyntaxError that names the file, if it is in no form that the kernel writes.
 */
export function limitOfCgroup(files: CgroupFiles, resource: Limit, scrape: Scrape): number | undefined {
  const limits = known(scrape)[resource];
  const before = limits.get(files);
  if (before !== undefined || limits.has(files)) return before;
  const limit = READERS[resource](files);
  limits.set(files, limit);
  return limit;
}

const READERS: Readonly<Record<Limit, (files: CgroupFiles) => number | undefined>> = {
  memory: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.limit_in_bytes')
      : singleValue(files, 'memory', 'memory.max'),
  swap: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.memsw.limit_in_bytes')
      : singleValue(files, 'memory', 'memory.swap.max'),
  cpu: (files) => (files.versionOf('cpu') === 1 ? v1CpuLimit(files) : parsedFile(files, 'cpu', 'cpu.max', parseCpuMax)),
  pids: (files) => singleValue(files, 'pids', 'pids.max'),
  high: (files) => (files.versionOf('memory') === 1 ? undefined : singleValue(files, 'memory', 'memory.high')),
  low: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.soft_limit_in_bytes')
      : singleValue(files, 'memory', 'memory.low'),
};

/** Whether a cgroup has a limit: one that is known, and not infinite. */
export function hasLimit(files: CgroupFiles, resource: Exclude<Limit, 'low'>, scrape: Scrape): boolean {
  return (limitOfCgroup(files, resource, scrape) ?? Infinity) < Infinity;
}

/**
 * Whether a v1 memory limit holds for the cgroups below too: `memory.use_hierarchy`, which is always 1 since Linux 5.11.
 */
export function holdsBelow(files: CgroupFiles, scrape: Scrape): boolean {
  const { hierarchical } = known(scrape);
  const before = hierarchical.get(files);
  if (before !== undefined) return before;
  const answer = singleValue(files, 'memory', 'memory.use_hierarchy') !== 0;
  hierarchical.set(files, answer);
  return answer;
}

/** A v1 limit of memory in bytes. */
function v1Limit(files: CgroupFiles, name: string): number | undefined {
  return parsedFile(files, 'memory', name, parseV1Limit);
}

function v1CpuLimit(files: CgroupFiles): number | undefined {
  const quota = singleValue(files, 'cpu', 'cpu.cfs_quota_us');
  if (quota === undefined) return undefined;
  if (quota < 0) return Infinity;
  const period = singleValue(files, 'cpu', 'cpu.cfs_period_us');
  if (period !== undefined && period <= 0) throw new SyntaxError(`cpu.cfs_period_us: ${period} is no period`);
  return period === undefined ? undefined : quota / period;
}
