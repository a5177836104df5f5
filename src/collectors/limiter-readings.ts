import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { limitOfCgroup } from './cgroup-limits.ts';
import { parsedFile, countIn } from './cgroup-value.ts';
import { oncePerScrape, type Scrape } from './collector.ts';
import { readCpuStat, readV1Throttling, type Throttling } from './cpu-stat.ts';
import type { LimitLevel } from './limit-levels.ts';
import { limitingLevelsOf } from './limiting-levels.ts';
import { type LimitEvents, limitEventsOf } from './memory-events.ts';
import { pidsHitsOf } from './pids-hits.ts';
import { unreclaimableOfV1, unreclaimableOfV2, V1_FIELDS, V2_FIELDS } from './unreclaimable-memory.ts';

/** A cgroup other than the container's own whose memory limit applies to the container, and its use in bytes. */
export interface MemoryLimiter {
  readonly level: LimitLevel;
  /** `memory.max`; `Infinity` if the cgroup only has `memory.high`. */
  readonly limit: number;
  /** `memory.high`; `Infinity` if the cgroup only has `memory.max`. */
  readonly high: number;
  readonly usage: number | undefined;
  /** Usage minus the page cache that is dropped first. */
  readonly workingSet: number | undefined;
  /** Memory that the kernel can free neither by dropping page cache nor by shrinking its own caches. */
  readonly unreclaimable: number | undefined;
  readonly events: LimitEvents;
}

/** A cgroup other than the container's own whose quota applies to the container, in cores. */
export interface CpuLimiter extends Throttling {
  readonly level: LimitLevel;
  readonly limit: number;
}

/** A cgroup other than the container's own whose limit of processes and threads applies to the container. */
export interface PidsLimiter {
  readonly level: LimitLevel;
  readonly limit: number;
  readonly current: number | undefined;
  /** Forks that the limit refused; `undefined` if unknown. */
  readonly hits: number | undefined;
}

/** Most containers have none. */
const NONE: readonly never[] = [];

const memoryByCgroup = oncePerScrape(() => new Map<CgroupFiles, Omit<MemoryLimiter, 'level'>>());

/** The cgroups other than its own that limit the memory of a container. Each is read once per scrape. */
export function memoryLimitersOf(container: Container, scrape: Scrape): readonly MemoryLimiter[] {
  const levels = limitingLevelsOf(container, 'memory', scrape);
  if (levels.length === 0) return NONE;
  return levels.map((level) => ({
    level,
    ...once(memoryByCgroup(scrape), level.files, readMemoryLimiter, scrape),
  }));
}

const parseV2Stat = flatKeyedParser(V2_FIELDS);
const parseV1Stat = flatKeyedParser(V1_FIELDS);

function readMemoryLimiter(files: CgroupFiles, scrape: Scrape): Omit<MemoryLimiter, 'level'> {
  const isV1 = files.versionOf('memory') === 1;
  const usage = countIn(files, 'memory', isV1 ? 'memory.usage_in_bytes' : 'memory.current');
  const { inactiveFile, unreclaimable } = isV1 ? readV1Stat(files) : readV2Stat(files);
  return {
    limit: limitOfCgroup(files, 'memory', scrape) ?? Infinity,
    high: limitOfCgroup(files, 'high', scrape) ?? Infinity,
    usage,
    workingSet: usage === undefined || inactiveFile === undefined ? undefined : Math.max(0, usage - inactiveFile),
    unreclaimable,
    events: limitEventsOf(files, scrape),
  };
}

/** How much memory the kernel can reclaim easily, and how much not at all, from `memory.stat` of v1 or v2, in bytes. */
interface Reclaim {
  readonly inactiveFile: number | undefined;
  readonly unreclaimable: number | undefined;
}

function readV2Stat(files: CgroupFiles): Reclaim {
  const stat = parsedFile(files, 'memory', 'memory.stat', parseV2Stat);
  return { inactiveFile: stat?.inactive_file, unreclaimable: unreclaimableOfV2(stat) };
}

function readV1Stat(files: CgroupFiles): Reclaim {
  const stat = parsedFile(files, 'memory', 'memory.stat', parseV1Stat);
  const kernel = countIn(files, 'memory', 'memory.kmem.usage_in_bytes');
  return { inactiveFile: stat?.total_inactive_file, unreclaimable: unreclaimableOfV1(stat, kernel) };
}

const cpuByCgroup = oncePerScrape(() => new Map<CgroupFiles, Omit<CpuLimiter, 'level'>>());

/** The cgroups other than its own that limit the CPU time of a container. Each is read once per scrape. */
export function cpuLimitersOf(container: Container, scrape: Scrape): readonly CpuLimiter[] {
  const levels = limitingLevelsOf(container, 'cpu', scrape);
  if (levels.length === 0) return NONE;
  return levels.map((level) => ({
    level,
    ...once(cpuByCgroup(scrape), level.files, readCpuLimiter, scrape),
  }));
}

const NOTHING: Throttling = { periods: undefined, throttledPeriods: undefined, throttled: undefined, burst: undefined };

function readCpuLimiter(files: CgroupFiles, scrape: Scrape): Omit<CpuLimiter, 'level'> {
  const throttling = files.versionOf('cpu') === 1 ? readV1Throttling(files) : readCpuStat(files);
  return { limit: limitOfCgroup(files, 'cpu', scrape) ?? Infinity, ...(throttling ?? NOTHING) };
}

const pidsByCgroup = oncePerScrape(
  () => new Map<CgroupFiles, { readonly limit: number; readonly current: number | undefined }>(),
);

/** The cgroups other than its own that limit the processes and threads of a container. */
export function pidsLimitersOf(container: Container, scrape: Scrape): readonly PidsLimiter[] {
  const levels = limitingLevelsOf(container, 'pids', scrape);
  if (levels.length === 0) return NONE;
  const { others } = pidsHitsOf(container, scrape);
  return levels.map((level) => ({
    level,
    ...once(pidsByCgroup(scrape), level.files, readPidsLimiter, scrape),
    hits: others.get(level.path),
  }));
}

function readPidsLimiter(files: CgroupFiles, scrape: Scrape) {
  return {
    limit: limitOfCgroup(files, 'pids', scrape) ?? Infinity,
    current: countIn(files, 'pids', 'pids.current'),
  };
}

function once<Reading>(
  known: Map<CgroupFiles, Reading>,
  files: CgroupFiles,
  read: (files: CgroupFiles, scrape: Scrape) => Reading,
  scrape: Scrape,
): Reading {
  let reading = known.get(files);
  if (reading === undefined) {
    reading = read(files, scrape);
    known.set(files, reading);
  }
  return reading;
}
