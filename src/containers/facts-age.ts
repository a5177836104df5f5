import { AT_ONCE } from '../posture/look-at-processes.ts';
import type { PostureReading } from '../posture/posture-reading.ts';
import type { TrackedContainer } from './tracked-container.ts';

/** After this time processes, privileges and mounts are compared with what was read, and new facts are read again, in ms. */
const COMPARE_AFTER_MS = 45_000;

/** The maximum age of facts that have not changed for as long, in ms. */
const FACTS_FOR_MS = 300_000;

/** The times of a container's facts, in ms of `performance.now()`. */
type Times = Pick<TrackedContainer, 'factsUntil' | 'compareAt' | 'unchangedSince'>;

/** Facts are read now, and again soon unless they prove to be the same. */
export function readLater(times: Times, now: number): void {
  times.factsUntil = times.compareAt = now + someOf(COMPARE_AFTER_MS);
}

/** What changes most easily is as it was. */
export function compareLater(times: Times, now: number): void {
  times.compareAt = now + someOf(COMPARE_AFTER_MS);
}

/** Something has changed, and more may follow. */
export function readSooner(times: Times, now: number): void {
  times.unchangedSince = now;
  times.factsUntil = Math.min(times.factsUntil, now + someOf(COMPARE_AFTER_MS));
}

/**
 * Facts that stay the same are read less and less often. Not those that a missing privilege keeps unknown, nor those of so many processes
 * that each reading inspects only a part of them again.
 */
export function readLessOften(
  entry: Times & Pick<TrackedContainer, 'posture'>,
  before: PostureReading | undefined,
  now: number,
): void {
  const { posture } = entry;
  if (posture === undefined || posture.byPid.size > AT_ONCE) return;
  if (posture.posture !== before?.posture || posture.posture.problem !== undefined) entry.unchangedSince = now;
  const ms = Math.min(now - entry.unchangedSince, FACTS_FOR_MS);
  if (ms > COMPARE_AFTER_MS) entry.factsUntil = now + someOf(ms);
}

/** Spreads containers that started together, so that they are not always looked at in the same scrape. */
function someOf(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}
