import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { areMalformed, flatKeyedParser } from '../kernel/flat-keyed.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { hasLimit, limitOfCgroup } from './cgroup-limits.ts';
import { countIn, noteUnreadable, parsedFile, parsedOrUnreadable, UNREADABLE } from './cgroup-value.ts';
import type { Scrape } from './collector.ts';
import { limitsOfContainer } from './effective-limits.ts';

/** How often a cgroup reached its own limits since it was created. A limit that it does not have is absent. */
export type LimitEvents = Readonly<Partial<Record<'low' | 'high' | 'max' | 'oom' | 'memsw_max', number | undefined>>>;

const parseEvents = flatKeyedParser(['low', 'high', 'max', 'oom']);

const NONE: LimitEvents = {};

/**
 * Reads how often a cgroup reached its own memory limits. On v2 the file is `memory.events.local`, because
 * `memory.events` also includes all cgroups below. The file came with Linux 5.3; until 5.1 `memory.events` was local.
 * On v1 `memory.failcnt` and `memory.memsw.failcnt` have always been the cgroup's own.
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
  const local = parsedOrUnreadable(files, 'memory', 'memory.events.local', parseEvents);
  const events = local === undefined ? parsedFile(files, 'memory', 'memory.events', parseEvents) : local;
  if (events === UNREADABLE) return NONE;
  return {
    low: hasLow ? events?.low : undefined,
    high: hasHigh ? events?.high : undefined,
    max: hasMax ? events?.max : undefined,
    oom: hasMax ? events?.oom : undefined,
  };
}

/** How often the kernel refused or slowed down swapping, since the cgroup was created. */
export type SwapEvents = Readonly<Partial<Record<'high' | 'max' | 'fail', number | undefined>>>;

const parseSwapEvents = flatKeyedParser(['high', 'max', 'fail']);

const NO_SWAP_EVENTS: SwapEvents = {};

/**
 * Reads `memory.swap.events`. The kernel counts in the cgroup that wants to swap, regardless of which limit on its path
 * refuses. Without any limit, there is nothing to read. With a limit of 0, which turns swap off, each attempt is refused, and
 * that is no event.
 */
export function swapEventsOf(container: Container, scrape: Scrape): SwapEvents {
  const { files } = container;
  if (files.versionOf('memory') === 1) return NO_SWAP_EVENTS;
  const { limit, problem } = limitsOfContainer(container, scrape).effective.swap;
  if (problem !== undefined) noteUnreadable(problem);
  if (limit === undefined || limit === 0 || limit === Infinity) return NO_SWAP_EVENTS;
  return parsedFile(files, 'memory', 'memory.swap.events', parseSwapEvents) ?? NO_SWAP_EVENTS;
}

const parseSockets = flatKeyedParser(['sock_throttled']);

/**
 * Whether this kernel counts throttled sockets. Most kernels do not, so the answer is kept instead of checking each
 * container.
 */
const countsSockets = new WeakMap<KernelFiles, boolean>();

/** How often sockets of a cgroup, and of those inside, were throttled: `sock_throttled` of `memory.events`. */
export function throttledSocketsOf(files: CgroupFiles, { kernel }: Scrape): number | undefined {
  if (files.versionOf('memory') === 1 || countsSockets.get(kernel) === false) return undefined;
  const events = parsedFile(files, 'memory', 'memory.events', parseSockets);
  if (events !== undefined && !areMalformed(events, ['sock_throttled']))
    countsSockets.set(kernel, events.sock_throttled !== undefined);
  return events?.sock_throttled;
}
