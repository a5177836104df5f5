/**
 * While inotify reports each kill, or the kernel's log, whose records can wait, in ms. The exporter sleeps between polls, and to wake up costs
 * more than to poll.
 */
const CALM_MS = 1_000;

/** While only the log reports kills, and a container has just started, in ms. It may be the first of a storm of kills. */
const STARTS_MS = 200;

/** While only counters show kills, in ms: a container may be gone less than 0.1 s after its kill. */
const COUNTERS_MS = 20;

/** In a burst, while a part of the kernel's log is unread, and while only counters show whether a young container had a kill, in ms. */
const BURST_MS = 5;

/** While a name, a victim or the container of a kill is expected soon, in ms. */
const UNSETTLED_MS = 100;

/** What decides how long the next poll can wait. */
export interface Situation {
  /** Kills come so fast that the kernel's log omits their cgroups. */
  readonly isBurst: boolean;
  /** A part of the kernel's log has not been read yet. */
  readonly hasMore: boolean;
  /** A container has just appeared, so that it may be gone in a moment. */
  readonly hasYoung: boolean;
  /** A kill is not counted, named and logged yet. */
  readonly isUnsettled: boolean;
}

/** Which sources report a kill, so that no counter has to be read before its container is gone. */
export interface Reporters {
  /** inotify. */
  readonly events: boolean;
  /** The kernel's log. */
  readonly log: boolean;
}

/** How long the next poll for OOM kills can wait, in ms. */
export function pollInterval({ isBurst, hasMore, hasYoung, isUnsettled }: Situation, by: Reporters): number {
  if (isBurst || hasMore) return BURST_MS;
  if (!by.events && !by.log) return hasYoung ? BURST_MS : COUNTERS_MS;
  if (isUnsettled) return UNSETTLED_MS;
  return hasYoung && !by.events ? STARTS_MS : CALM_MS;
}
