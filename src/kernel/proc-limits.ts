import { decimalOf } from './bytes.ts';

/** A limit of a process; `Infinity`: unlimited. */
interface ProcLimit {
  readonly soft: number;
  readonly hard: number;
}

/**
 * Parses `/proc/<pid>/limits` (proc_pid_limits(5)) by name; `unlimited` is `Infinity`:
 *
 *     Limit                     Soft Limit           Hard Limit           Units
 *     Max processes             unlimited            unlimited            processes
 *     Max open files            1024                 524288               files
 *
 * @throws SyntaxError for a line that does not have two limits, and if there is none.
 */
export function parseProcLimits(text: string): ReadonlyMap<string, ProcLimit> {
  const limits = new Map<string, ProcLimit>();
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const found = /^(\S.*?) {2,}(\d+|unlimited) +(\d+|unlimited)\b/.exec(line);
    const [, name, soft, hard] = found ?? [];
    if (name === undefined) throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a limit of a process`);
    limits.set(name, { soft: valueOf(soft ?? '', line), hard: valueOf(hard ?? '', line) });
  }
  if (limits.size === 0)
    throw new SyntaxError(`Cannot parse ${JSON.stringify(text.slice(0, 80))} as limits of a process`);
  return limits;
}

function valueOf(text: string, line: string): number {
  const value = text === 'unlimited' ? Infinity : decimalOf(text);
  if (value === undefined) throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a limit of a process`);
  return value;
}
