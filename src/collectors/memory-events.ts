import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { hasLimit, limitOfCgroup } from './cgroup-limits.ts';
import { parsedFile, countIn } from './cgroup-value.ts';
import type { Scrape } from './collector.ts';

/** How often a cgroup's own limits were met, since it was made. Only those limits are here that it has. */
export type LimitEvents = Readonly<Partial<Record<'low' | 'high' | 'max' | 'oom' | 'memsw_max', number | undefined>>>;

const parseEvents = flatKeyedParser(['low', 'high', 'max', 'oom']);

const NONE: LimitEvents = {};

/**
 * Reads what the memory limits of a cgroup itself did: on v2 `memory.events.local`, as `memory.events` has those of all
 * cgroups below too. The file came with Linux 5.3; until 5.1 `memory.events` was local. On v1 `memory.failcnt` and
 * `memory.memsw.failcnt` have always been the cgroup's own.
 */
export function limitEventsOf(files: CgroupFiles, scrape: Scrape): LimitEvents {
  const hasMax = hasLimit(files, 'memory', scrape);
  if (files.versionOf('memory') === 1) {
    const hasSwap = hasLimit(files, 'swap', scrape);
    if (!hasMax && !hasSwap) return NONE;
    return {
      max: hasMax ? countIn(files, 'memory', 'memory.failcnt') : undefined,
      memsw_max: hasSwap ? countIn(files, 'memory', 'memory.memsw.failcnt') : undefined,
    };
  }
  const hasHigh = hasLimit(files, 'high', scrape);
  const hasLow = (limitOfCgroup(files, 'low', scrape) ?? 0) > 0;
  if (!hasMax && !hasHigh && !hasLow) return NONE;
  const events =
    parsedFile(files, 'memory', 'memory.events.local', parseEvents) ??
    parsedFile(files, 'memory', 'memory.events', parseEvents);
  return {
    low: hasLow ? events?.low : undefined,
    high: hasHigh ? events?.high : undefined,
    max: hasMax ? events?.max : undefined,
    oom: hasMax ? events?.oom : undefined,
  };
}
