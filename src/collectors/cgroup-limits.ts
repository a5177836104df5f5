import { parseCpuMax } from '../kernel/cpu-max.ts';
import type { CgroupFiles, Controller } from '../kernel/cgroup-files.ts';
import { parseLimit, parseV1Limit, parseV1Period, parseV1Quota } from '../kernel/single-value.ts';
import { countIn, MALFORMED, parsedOrMalformed } from './cgroup-value.ts';
import { oncePerScrape, type Scrape } from './collector.ts';

/** Limits of one cgroup; `Infinity`: unlimited, `undefined`: the cgroup lacks the controller, or its limit is unknown. */
export interface CgroupLimits {
  /** Bytes. */
  readonly memory: number | undefined;
  /** Bytes; on v1 the limit of memory and swap together. */
  readonly swap: number | undefined;
  /** Cores. */
  readonly cpu: number | undefined;
  /** Processes and threads. */
  readonly pids: number | undefined;
}

export type LimitedResource = keyof CgroupLimits;

/**
 * A kind of limit. `high` and `low` are memory limits too, in bytes: the kernel reclaims memory above `high`, and
 * protects it below `low`.
 */
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
  /** Cgroups whose limit file is malformed. */
  malformed: {
    memory: new Set<CgroupFiles>(),
    swap: new Set<CgroupFiles>(),
    cpu: new Set<CgroupFiles>(),
    pids: new Set<CgroupFiles>(),
    high: new Set<CgroupFiles>(),
    low: new Set<CgroupFiles>(),
  },
}));

/**
 * Reads a limit of one cgroup: `memory.max`, `memory.swap.max`, `cpu.max`, `pids.max`, `memory.high` or `memory.low` (v1:
 * `memory.limit_in_bytes`, `memory.memsw.limit_in_bytes`, `cpu.cfs_quota_us` with `cpu.cfs_period_us`, `pids.max`, none,
 * `memory.soft_limit_in_bytes`).
 */
export function limitOfCgroup(files: CgroupFiles, resource: Limit, scrape: Scrape): number | undefined {
  const limits = known(scrape)[resource];
  const before = limits.get(files);
  if (before !== undefined || limits.has(files)) return before;
  const found = READERS[resource](files);
  const limit = found === MALFORMED ? undefined : found;
  if (found === MALFORMED) known(scrape).malformed[resource].add(files);
  limits.set(files, limit);
  return limit;
}

/** Whether a cgroup has a limit that is unknown because its file is malformed. */
export function isMalformed(files: CgroupFiles, resource: Limit, scrape: Scrape): boolean {
  return known(scrape).malformed[resource].has(files);
}

type Found = number | typeof MALFORMED | undefined;

const READERS: Readonly<Record<Limit, (files: CgroupFiles) => Found>> = {
  memory: (files) =>
    files.versionOf('memory') === 1 ? v1Limit(files, 'memory.limit_in_bytes') : limitIn(files, 'memory', 'memory.max'),
  swap: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.memsw.limit_in_bytes')
      : limitIn(files, 'memory', 'memory.swap.max'),
  cpu: (files) =>
    files.versionOf('cpu') === 1 ? v1CpuLimit(files) : parsedOrMalformed(files, 'cpu', 'cpu.max', parseCpuMax),
  pids: (files) => limitIn(files, 'pids', 'pids.max'),
  high: (files) => (files.versionOf('memory') === 1 ? undefined : limitIn(files, 'memory', 'memory.high')),
  low: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.soft_limit_in_bytes')
      : limitIn(files, 'memory', 'memory.low'),
};

/** Whether a cgroup has a limit: one that is known, and not infinite. */
export function hasLimit(files: CgroupFiles, resource: Exclude<Limit, 'low'>, scrape: Scrape): boolean {
  return (limitOfCgroup(files, resource, scrape) ?? Infinity) < Infinity;
}

/** Whether a v1 memory limit also applies to the cgroups below: `memory.use_hierarchy`, which is always 1 since Linux 5.11. */
export function holdsBelow(files: CgroupFiles, scrape: Scrape): boolean {
  const { hierarchical } = known(scrape);
  const before = hierarchical.get(files);
  if (before !== undefined) return before;
  const answer = countIn(files, 'memory', 'memory.use_hierarchy') !== 0;
  hierarchical.set(files, answer);
  return answer;
}

/** A v1 limit of memory in bytes. */
function v1Limit(files: CgroupFiles, name: string): Found {
  return parsedOrMalformed(files, 'memory', name, parseV1Limit);
}

/** A v2 limit, or `pids.max` of either version. */
function limitIn(files: CgroupFiles, controller: Controller, name: string): Found {
  return parsedOrMalformed(files, controller, name, parseLimit);
}

function v1CpuLimit(files: CgroupFiles): Found {
  const quota = parsedOrMalformed(files, 'cpu', 'cpu.cfs_quota_us', parseV1Quota);
  if (typeof quota !== 'number' || quota === Infinity) return quota;
  const period = parsedOrMalformed(files, 'cpu', 'cpu.cfs_period_us', parseV1Period);
  return typeof period === 'number' ? quota / period : period;
}
