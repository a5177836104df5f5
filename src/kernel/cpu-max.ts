import { type Bytes, cannotParse, decimalAt, indexOfByte, NEWLINE, SPACE } from './bytes.ts';

const LETTER_M = 0x6d;

/**
 * Parses `cpu.max` (v2), quota and period in microseconds:
 *
 *     50000 100000
 *     max 100000
 *
 * @returns the limit in cores, `Infinity` for `max`.
 * @throws SyntaxError for anything else.
 */
export function parseCpuMax(bytes: Bytes): number {
  const space = indexOfByte(bytes, SPACE, 0);
  const end = indexOfByte(bytes, NEWLINE, 0);
  const period = space < end ? decimalAt(bytes, space + 1, end) : undefined;
  const quota = bytes[0] === LETTER_M && space === 3 ? Infinity : decimalAt(bytes, 0, space);
  if (period === undefined || period <= 0 || quota === undefined) throw cannotParse('quota and period', bytes);
  return quota / period;
}
