/** Descriptors reserved for sockets, inotify, the log and Node itself. */
const RESERVED = 512;

/**
 * How many descriptors may be kept open for kernel files, from `/proc/self/limits` (getrlimit(2), RLIMIT_NOFILE; Node
 * raises the soft limit to the hard one when it starts):
 *
 *     Limit                     Soft Limit           Hard Limit           Units
 *     Max open files            20000                20000                files
 *     Max locked memory         8388608              8388608              bytes
 *
 * @returns 0 if the text has no such line. Then no file is kept open.
 */
export function descriptorBudget(limits: string): number {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (soft === 'unlimited') return Infinity;
  return Math.max(0, Number(soft ?? 0) - RESERVED);
}
