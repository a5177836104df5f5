import { parseCpuMax } from '../kernel/cpu-max.ts';
import type { CgroupFiles, Controller } from '../kernel/cgroup-files.ts';
import { parseCount, parseLimit, parseV1Limit, parseV1Period, parseV1Quota } from '../kernel/single-value.ts';
import { noteUnreadable, parsedOrError } from './cgroup-value.ts';
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

const UNREAD = Symbol('unread');

/** A limit, or why it is unknown; `undefined`: the cgroup has no such file. */
export type Found = number | Error | undefined;

/** What was read of a cgroup in one scrape. */
interface Known extends Record<Limit, Found | typeof UNREAD> {
  scrape: object;
  isHierarchical: boolean | Error | undefined;
}

/** Identifies a scrape, without keeping its data alive. */
export const scrapeId = oncePerScrape((): object => ({}));

/**
 * Each limit is read once per scrape, however many containers a cgroup holds. The objects are used again at the next
 * scrape: new ones for a thousand containers live long enough to be expensive garbage.
 */
const knownByCgroup = new WeakMap<CgroupFiles, Known>();

function knownOf(files: CgroupFiles, scrape: Scrape): Known {
  const id = scrapeId(scrape);
  const known = knownByCgroup.get(files);
  if (known?.scrape === id) return known;
  const nothing = {
    scrape: id,
    memory: UNREAD,
    swap: UNREAD,
    cpu: UNREAD,
    pids: UNREAD,
    high: UNREAD,
    low: UNREAD,
    isHierarchical: undefined,
  } as const;
  if (known !== undefined) return Object.assign(known, nothing);
  const fresh: Known = { ...nothing };
  knownByCgroup.set(files, fresh);
  return fresh;
}

/**
 * Reads a limit of one cgroup: `memory.max`, `memory.swap.max`, `cpu.max`, `pids.max`, `memory.high` or `memory.low` (v1:
 * `memory.limit_in_bytes`, `memory.memsw.limit_in_bytes`, `cpu.cfs_quota_us` with `cpu.cfs_period_us`, `pids.max`, none,
 * `memory.soft_limit_in_bytes`). A failure is reported to each caller: each of them lacks the value.
 */
export function limitOfCgroup(files: CgroupFiles, resource: Limit, scrape: Scrape): number | undefined {
  const found = findLimit(files, resource, scrape);
  if (!(found instanceof Error)) return found;
  noteUnreadable(found);
  return undefined;
}

/** The same as {@link limitOfCgroup}, but with the failure as the value. The caller reports it. */
export function findLimit(files: CgroupFiles, resource: Limit, scrape: Scrape): Found {
  const known = knownOf(files, scrape);
  let found = known[resource];
  if (found === UNREAD) {
    found = READERS[resource](files);
    known[resource] = found;
  }
  return found;
}

const READERS: Readonly<Record<Limit, (files: CgroupFiles) => Found>> = {
  memory: (files) =>
    files.versionOf('memory') === 1 ? v1Limit(files, 'memory.limit_in_bytes') : limitIn(files, 'memory', 'memory.max'),
  swap: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.memsw.limit_in_bytes')
      : limitIn(files, 'memory', 'memory.swap.max'),
  cpu: (files) =>
    files.versionOf('cpu') === 1 ? v1CpuLimit(files) : parsedOrError(files, 'cpu', 'cpu.max', parseCpuMax),
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

/**
 * Whether a v1 memory limit also applies to the cgroups below: `memory.use_hierarchy`, which is always 1 since Linux 5.11; an error:
 * unknown.
 */
export function holdsBelow(files: CgroupFiles, scrape: Scrape): boolean | Error {
  const known = knownOf(files, scrape);
  known.isHierarchical ??= isHierarchical(files);
  return known.isHierarchical;
}

function isHierarchical(files: CgroupFiles): boolean | Error {
  const found = parsedOrError(files, 'memory', 'memory.use_hierarchy', parseCount);
  return found instanceof Error ? found : found !== 0;
}

/** A v1 limit of memory in bytes. */
function v1Limit(files: CgroupFiles, name: string): Found {
  return parsedOrError(files, 'memory', name, parseV1Limit);
}

/** A v2 limit, or `pids.max` of either version. */
function limitIn(files: CgroupFiles, controller: Controller, name: string): Found {
  return parsedOrError(files, controller, name, parseLimit);
}

function v1CpuLimit(files: CgroupFiles): Found {
  const quota = parsedOrError(files, 'cpu', 'cpu.cfs_quota_us', parseV1Quota);
  if (typeof quota !== 'number' || quota === Infinity) return quota;
  const period = parsedOrError(files, 'cpu', 'cpu.cfs_period_us', parseV1Period);
  return typeof period === 'number' ? quota / period : period;
}
