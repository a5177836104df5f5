import type { CountsSince } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { parseBootTime } from '../kernel/proc-stat.ts';

/** When a counter was 0, in Unix seconds; `undefined` if unknown. */
export type CreatedAt = (since: CountsSince, container: Container | undefined) => number | undefined;

/** When this daemon started, in Unix seconds. */
export const DAEMON_STARTED_AT = performance.timeOrigin / 1000;

/**
 * Returns the same time for the same counter while the daemon runs: Prometheus treats a later time as a reset.
 *
 * @param stat the text of `/proc/stat`, whose `btime` moves when the clock is set, so it is read once.
 */
export function createdTimestamps(stat: string | undefined): CreatedAt {
  const boot = stat === undefined ? undefined : parseBootTime(stat);
  return (since, container) => {
    if (since === 'cgroup') return container?.cgroupUsedSince;
    return since === 'boot' ? boot : DAEMON_STARTED_AT;
  };
}
