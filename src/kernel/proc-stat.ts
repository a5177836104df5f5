/** USER_HZ: what the kernel calls a tick when it talks to user space, on every architecture. */
const TICKS_PER_SECOND = 100;

/**
 * The start of a process in seconds since boot: field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)):
 *
 *     2231 (sleep) S 2201 2231 2231 0 -1 4194560 102 0 0 0 0 0 0 0 20 0 1 0 91822 2785280 …
 *     7 (a) b) (c) S 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 12 0 …
 *
 * The name in brackets may hold anything, brackets and spaces too: fields are counted from the last bracket.
 *
 * @throws SyntaxError if the field is not a number.
 */
export function parseStartTime(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[19]);
  if (fields[19] === undefined || !Number.isFinite(ticks)) {
    throw new SyntaxError(`Cannot parse ${JSON.stringify(stat.slice(0, 80))} as a process`);
  }
  return ticks / TICKS_PER_SECOND;
}

/**
 * The time of boot in seconds since the epoch, from `/proc/stat` (proc_stat(5)): the line `btime 1795391234`.
 *
 * @throws SyntaxError if there is none.
 */
export function parseBootTime(stat: string): number {
  const seconds = /^btime (\d+)$/m.exec(stat)?.[1];
  if (seconds === undefined) throw new SyntaxError('Cannot find btime in /proc/stat');
  return Number(seconds);
}
