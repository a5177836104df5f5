import { type Bytes, cannotParse, decimalAt, indexOfByte, NEWLINE, sameBytes, SPACE } from './bytes.ts';

const MAX = Buffer.from('max');

/**
 * Parses `cpu.max` (v2), quota and period in microseconds:
 *
 *     50000 100000
 *     max 100000
 *
 * @returns the limit in cores, `Infinity` for `max`.
 * @throws SyntaxError for anything else, a quota or a period of 0 too.
 */
export function parseCpuMax(bytes: Bytes): number {
  const { quota, period } = parseCpuBandwidth(bytes);
  return quota / period;
}

/**
 * Parses the same file, in microseconds. The quota is `Infinity` for `max`.
 *
 * @throws SyntaxError as {@link parseCpuMax}.
 */
export function parseCpuBandwidth(bytes: Bytes): { readonly quota: number; readonly period: number } {
  const space = indexOfByte(bytes, SPACE, 0);
  const end = bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
  const period = space < end ? decimalAt(bytes, space + 1, end) : undefined;
  const quota = sameBytes(bytes, 0, space, MAX) ? Infinity : decimalAt(bytes, 0, space);
  if (period === undefined || period === 0 || quota === undefined || quota === 0)
    throw cannotParse('quota and period', bytes);
  return { quota, period };
}
