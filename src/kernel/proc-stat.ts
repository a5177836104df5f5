/** USER_HZ: what the kernel calls a tick when it talks to user space, on every architecture that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** Where field 22 is among those after the name, which is field 2. */
const START_TIME = 22 - 3;

/**
 * The start of a process in seconds since boot, to a hundredth: field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)):
 *
 *     2231 (sleep) S 2201 2231 2231 0 -1 4194560 102 0 0 0 0 0 0 0 20 0 1 0 91822 2785280 …
 *     7946 (a) b) (c) S 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 12 0 …
 *
 * The name in brackets may hold anything, also brackets, spaces and newlines: fields are counted from the last bracket.
 * In a time namespace it is the boot that this namespace tells of, as it is in `/proc/stat`.
 *
 * @throws SyntaxError if the field is not a number.
 */
export function parseStartTime(stat: string): number {
  let start = stat.lastIndexOf(')') + 1;
  // Past the spaces before the fields after the name; without any of them `start` is 0, at the pid.
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
