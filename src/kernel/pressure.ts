import { textOf } from './bytes.ts';
import type { Bytes } from './files.ts';

/** Time lost for want of a resource, in microseconds since the cgroup was made. */
export interface Pressure {
  /** At least one task waited. */
  readonly some: number;
  /** All tasks that were not idle waited. For `cpu` since Linux 5.13; `undefined` before. */
  readonly full: number | undefined;
}

/**
 * Parses `cpu.pressure`, `memory.pressure` and `io.pressure` (Documentation/accounting/psi.rst, since Linux 4.20):
 *
 *     some avg10=0.00 avg60=0.06 avg300=0.21 total=8537362
 *     full avg10=0.00 avg60=0.13 avg300=0.96 total=8183134
 *
 * The averages are left out: Prometheus makes its own from the totals.
 *
 * @throws SyntaxError if there is no `some` line with a total.
 */
export function parsePressure(bytes: Bytes): Pressure {
  const text = textOf(bytes);
  const some = totalOf(text, 'some ');
  if (some === undefined) throw new SyntaxError(`Cannot parse ${JSON.stringify(text.slice(0, 80))} as pressure`);
  return { some, full: totalOf(text, 'full ') };
}

function totalOf(text: string, line: string): number | undefined {
  const start = text.startsWith(line) ? 0 : text.indexOf(`\n${line}`);
  if (start < 0) return undefined;
  const digits = /total=(\d+)(?:\n|$)/y;
  digits.lastIndex = text.indexOf('total=', start);
  const found = digits.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
