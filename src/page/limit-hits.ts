import type { ContainerReport } from '../report/container-report.ts';
import { NEARLY_FULL, shareOf, throttledShareOf } from './rows.ts';

/** The share of throttled periods from which a container is throttled often. */
const OFTEN_THROTTLED = 0.25;
/** In seconds. */
const RECENT = 3600;

/** Whether a limit is nearly reached. */
export function isNearlyFull(use: ContainerReport['memory'] | ContainerReport['pids']): boolean {
  return (shareOf(use) ?? 0) >= NEARLY_FULL;
}

/** Whether the CPU limit often throttles the container. */
export function isOftenThrottled(cpu: ContainerReport['cpu']): boolean {
  return (throttledShareOf(cpu) ?? 0) >= OFTEN_THROTTLED;
}

/** Whether there was an OOM kill in the hour before `at` (ms since the epoch). */
export function isRecentlyKilled({ lastKill }: ContainerReport['oom'], at: number): boolean {
  return lastKill !== undefined && at / 1000 - lastKill < RECENT;
}
