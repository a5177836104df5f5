/** USER_HZ: ticks per second in procfs, on every architecture that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** The index of field 22 among the fields after the name, which is field 2. */
const START_TIME = 22 - 3;

/**
 * The start of a process in seconds since boot, to a hundredth: field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)):
 *
 *     2231 (sleep) S 2201 2231 2231 0 -1 4194560 102 0 0 0 0 0 0 0 20 0 1 0 91822 2785280 …
 *     7946 (a) b) (c) S 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 12 0 …
 *
 * The name in parentheses may contain anything, including parentheses, spaces and newlines: fields are counted from the last
 * parenthesis. In a time namespace, boot is that of the namespace, as in `/proc/stat`.
 *
 * @throws SyntaxError if the field is not a number.
 */
export function parseStartTime(stat: string): number {
  let start = stat.lastIndexOf(')') + 1;
  // Skips the spaces between the name and field 22; without them `start` is 0, at the pid.
  for (let field = 0; field <= START_TIME && start > 0; field += 1) start = stat.indexOf(' ', start) + 1;
  const end = stat.indexOf(' ', start);
  const ticks = start > 0 ? stat.slice(start, end === -1 ? stat.length : end).trimEnd() : '';
  if (!/^\d+$/.test(ticks)) {
    throw new SyntaxError(`Cannot parse ${JSON.stringify(stat.slice(0, 80))} as the stat of a process`);
  }
  return Number(ticks) / TICKS_PER_SECOND;
}

/**
 * The time of boot in seconds since the epoch, from `/proc/stat` (proc_stat(5)):
 *
 *     ctxt 1152478
 *     btime 1795391234
 *     processes 7946
 *
 * @throws SyntaxError if there is none.
 */
export function parseBootTime(stat: string): number {
  const seconds = /^btime (\d+)$/m.exec(stat)?.[1];
  if (seconds === undefined) throw new SyntaxError('Cannot find btime in /proc/stat');
  return Number(seconds);
}
