import { type Bytes, cannotParse, countAt, indexOfByte, isDigit, NEWLINE, sameBytes } from './bytes.ts';

/** Time spent waiting for a resource, in microseconds since the cgroup was created. */
export interface Pressure {
  /** At least one task waited. */
  readonly some: number;
  /** All non-idle tasks waited. For `cpu` since Linux 5.13; `undefined` before. */
  readonly full: number | undefined;
}

/**
 * Parses `cpu.pressure`, `memory.pressure` and `io.pressure` (Documentation/accounting/psi.rst, since Linux 4.20):
 *
 *     some avg10=0.00 avg60=0.06 avg300=0.21 total=8537362
 *     full avg10=0.00 avg60=0.13 avg300=0.96 total=8183134
 *
 * The averages are ignored: Prometheus computes its own from the totals.
 *
 * @throws SyntaxError if the first line is not `some` with a total, or the second, if any, not `full` with one.
 */
export function parsePressure(bytes: Bytes): Pressure {
  const end = indexOfByte(bytes, NEWLINE, 0);
  const some = totalAt(bytes, { line: SOME, start: 0, end });
  if (end + 1 >= bytes.length) return { some, full: undefined };
  return { some, full: totalAt(bytes, { line: FULL, start: end + 1, end: indexOfByte(bytes, NEWLINE, end + 1) }) };
}

/**
 * Parses `irq.pressure` (since Linux 6.1, with CONFIG_IRQ_TIME_ACCOUNTING), which has one line:
 *
 *     full avg10=0.00 avg60=0.00 avg300=0.00 total=32210
 *
 * @returns the time in which all tasks waited for interrupts, in microseconds since the cgroup was made.
 * @throws SyntaxError if that line is not `full` with a total.
 */
export function parseIrqPressure(bytes: Bytes): number {
  return totalAt(bytes, { line: FULL, start: 0, end: indexOfByte(bytes, NEWLINE, 0) });
}

const SOME = Buffer.from('some ');
const FULL = Buffer.from('full ');
const TOTAL = Buffer.from(' total=');

/** The total at the end of a line. */
function totalAt(bytes: Bytes, { line, start, end }: { line: Buffer; start: number; end: number }): number {
  let digits = end;
  while (digits > start && isDigit(bytes[digits - 1])) digits -= 1;
  const total = countAt(bytes, digits, end);
  const named = sameBytes(bytes, start, start + line.length, line);
  if (!named || !sameBytes(bytes, digits - TOTAL.length, digits, TOTAL) || total === undefined) {
    throw cannotParse('pressure', bytes, start);
  }
  return total;
}
