import { decimalOf } from './bytes.ts';

/**
 * Parses the hard limits in `/proc/<pid>/limits` (proc_pid_limits(5)) by name; `unlimited` is `Infinity`:
 *
 *     Limit                     Soft Limit           Hard Limit           Units
 *     Max processes             unlimited            unlimited            processes
 *     Max open files            1024                 524288               files
 *
 * @throws SyntaxError for a line that does not have two limits.
 */
export function parseHardLimits(text: string): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const found = /^(\S.*?) {2,}(?:\d+|unlimited) +(\d+|unlimited)\b/.exec(line);
    const [, name, hard] = found ?? [];
    if (name === undefined) throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a limit of a process`);
    const limit = hard === 'unlimited' ? Infinity : decimalOf(hard ?? '');
    if (limit === undefined) throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a limit of a process`);
    limits.set(name, limit);
  }
  return limits;
}
