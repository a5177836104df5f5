import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { unifiedOptions } from '../kernel/unified-options.ts';
import { hasLimit, limitOfCgroup } from './cgroup-limits.ts';
import { countIn, UNREADABLE, parsedOrUnreadable } from './cgroup-value.ts';
import { oncePerScrape, type Scrape } from './collector.ts';
import { type LimitLevel, type LimitLevels, limitLevelsOf } from './limit-levels.ts';
import { limitingAmong } from './limiting-levels.ts';

/** Forks that PIDs limits refused to a container, or to all processes in the limited cgroup, by limit. */
export interface PidsHits {
  /**
   * Forks refused by the limit of the container's own cgroup; `undefined` if it has no limit, or the kernel does not
   * show the number.
   */
  readonly own: number | undefined;
  /**
   * Forks refused by the limits of other cgroups, by path: two looks at the levels inside give different objects. Limits with an
   * unknown number are absent.
   */
  readonly others: ReadonlyMap<string, number>;
  /** Forks refused by one of several limits, if the kernel does not show which one; otherwise `undefined`. */
  readonly unattributed: number | undefined;
}

type Hits = number | typeof UNREADABLE | undefined;

const parseEvents = flatKeyedParser(['max']);

/** The count in a file of events, which every such file has; `undefined` without the file. */
function hitsIn(files: CgroupFiles, name: 'pids.events' | 'pids.events.local'): Hits {
  const events = parsedOrUnreadable(files, 'pids', name, parseEvents);
  return events === undefined || events === UNREADABLE ? events : (events.max ?? UNREADABLE);
}

const NO_HITS: PidsHits = { own: undefined, others: new Map(), unattributed: undefined };

const hitsByContainer = oncePerScrape(() => new Map<Container, PidsHits>());

/**
 * Finds out how often PIDs limits refused a fork. The kernel counts in one of two ways:
 *
 * - By the limit: cgroup v2 since Linux 6.11. `pids.events.local` of a cgroup counts the forks that its own limit
 *   refused to any process in it. (`pids.events` also includes all cgroups below.)
 * - By the fork: cgroup v1, v2 before Linux 6.11, and v2 mounted with `pids_localevents`. `pids.events` of the
 *   process's own cgroup counts the refusal, regardless of which limit on the path to the root refused it.
 *
 * See Documentation/admin-guide/cgroup-v2.rst and kernel/cgroup/pids.c.
 */
export function pidsHitsOf(container: Container, scrape: Scrape): PidsHits {
  const levels = limitLevelsOf(container, 'pids', scrape);
  if (levels === undefined) return NO_HITS;
  const limiting = limitingAmong(levels, 'pids', scrape);
  const own = levels.own !== undefined && hasLimit(levels.own.files, 'pids', scrape) ? levels.own : undefined;
  if (own === undefined && limiting.length === 0) return NO_HITS;
  const known = hitsByContainer(scrape);
  let hits = known.get(container);
  if (hits === undefined) {
    hits = hitsOn(levels, own, limiting, scrape);
    known.set(container, hits);
  }
  return hits;
}

function hitsOn(
  levels: LimitLevels,
  own: LimitLevel | undefined,
  limiting: readonly LimitLevel[],
  scrape: Scrape,
): PidsHits {
  return isCountedByLimit(own ?? limiting[0], scrape)
    ? byLimit(own, limiting, scrape)
    : byFork(levels, own, limiting, scrape);
}

/** Every cgroup with the controller has the same files, so the answer holds for all of them. */
function isCountedByLimit(level: LimitLevel | undefined, scrape: Scrape): boolean {
  if (level?.files.versionOf('pids') !== 2 || localHits(level.files, scrape) === undefined) return false;
  return !unifiedOptions(scrape.kernel).has('pids_localevents');
}

function byLimit(own: LimitLevel | undefined, limiting: readonly LimitLevel[], scrape: Scrape): PidsHits {
  const others = new Map<string, number>();
  for (const level of limiting) {
    const hits = localHits(level.files, scrape);
    if (typeof hits === 'number') others.set(level.path, hits);
  }
  const ownHits = own && localHits(own.files, scrape);
  return { own: ownHits === UNREADABLE ? undefined : ownHits, others, unattributed: undefined };
}

const localHitsByCgroup = oncePerScrape(() => new Map<CgroupFiles, Hits>());

function localHits(files: CgroupFiles, scrape: Scrape): Hits {
  const known = localHitsByCgroup(scrape);
  if (!known.has(files)) known.set(files, hitsIn(files, 'pids.events.local'));
  return known.get(files);
}

function byFork(
  levels: LimitLevels,
  own: LimitLevel | undefined,
  limiting: readonly LimitLevel[],
  scrape: Scrape,
): PidsHits {
  const refused = refusedForks(levels);
  if (refused === undefined) return NO_HITS;
  const all = own === undefined ? limiting : [own, ...limiting];
  const culprits = refused === 0 ? [] : culpritsAmong(all, scrape);
  const culprit = culprits.length === 1 || isOneContainer(culprits) ? culprits[0] : undefined;
  const hits = new Map<string, number>();
  // The container's own limit stands for those inside: the kernel does not show which of them refused.
  const isWithinOwn = (level: LimitLevel) => own !== undefined && level !== own && level.scope === 'container';
  for (const level of all) {
    if (level === culprit) hits.set(level.path, refused);
    else if (!isWithinOwn(level) && (culprit !== undefined || !culprits.includes(level))) hits.set(level.path, 0);
  }
  // Starts at 0, because a counter that first appears with its first hit shows no increase.
  const mayBeOpen = all.length > 1 && !isOneContainer(all) && culprit === undefined;
  const ownHits = own && hits.get(own.path);
  if (own !== undefined) hits.delete(own.path);
  return { own: ownHits, others: hits, unattributed: mayBeOpen ? refused : undefined };
}

/**
 * The limits that may have refused forks: those that `pids.peak` has reached. If none has, the limits have changed
 * since, and any of them may have refused.
 */
function culpritsAmong(limiting: readonly LimitLevel[], scrape: Scrape): readonly LimitLevel[] {
  const reached = limiting.filter(({ files }) => {
    const peak = countIn(files, 'pids', 'pids.peak');
    return peak === undefined || peak >= (limitOfCgroup(files, 'pids', scrape) ?? Infinity);
  });
  return reached.length === 0 ? limiting : reached;
}

function isOneContainer(levels: readonly LimitLevel[]): boolean {
  return levels.length > 0 && levels.every(({ scope }) => scope === 'container');
}

/**
 * Forks refused to the container's processes. The kernel counts them in the cgroup that the process is in, or in the next
 * one above that has the controller. `undefined` if one of the counts is unknown: without it the sum would be too small.
 */
function refusedForks({ inside, own, above }: LimitLevels): number | undefined {
  let refused: number | undefined;
  for (const { files } of own === undefined ? inside : [...inside, own]) {
    const each = hitsIn(files, 'pids.events');
    if (each === UNREADABLE) return undefined;
    if (each !== undefined) refused = (refused ?? 0) + each;
  }
  if (refused !== undefined) return refused;
  for (const { files } of above) {
    const each = hitsIn(files, 'pids.events');
    if (each !== undefined) return each === UNREADABLE ? undefined : each;
  }
  return undefined;
}
