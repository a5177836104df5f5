import type { ContainerReport } from '../report/container-report.ts';
import { shareOf, throttledShareOf } from './rows.ts';

/** From here on a limit is near: what is left is worth a colour. */
const NEARLY_FULL = 0.9;
/** Held back in so many of its periods, a container is slow because of its limit. */
const OFTEN_THROTTLED = 0.25;
/** In seconds. */
const RECENT = 3600;

/** Whether a limit is nearly used up. */
export function isNearlyFull(use: ContainerReport['memory'] | ContainerReport['pids']): boolean {
  return (shareOf(use) ?? 0) >= NEARLY_FULL;
}

/** Whether a limit of CPU time often holds the container back. */
export function isOftenThrottled(cpu: ContainerReport['cpu']): boolean {
  return (throttledShareOf(cpu) ?? 0) >= OFTEN_THROTTLED;
}

/** Whether a process was killed for want of memory in the hour before `at`, which is in ms since the epoch. */
export function isRecentlyKilled({ lastKill }: ContainerReport['oom'], at: number): boolean {
  return lastKill !== undefined && at / 1000 - lastKill < RECENT;
}
