import { type Bytes, cannotParse, countAt, decimalAt, NEWLINE, sameBytes } from './bytes.ts';

/** v1 writes "no limit" as the largest number of whole pages that fits into a signed 64-bit number of bytes. */
const UNLIMITED = 2 ** 62;

const MAX = Buffer.from('max');
const NO_QUOTA = Buffer.from('-1');

/**
 * Parses a file with one count, such as `memory.current`, `pids.current`, `cpuacct.usage` or `cpu.weight`:
 *
 *     67108864
 *     0
 *     2301574112
 *
 * In the file's own unit; see Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 *
 * @throws SyntaxError for anything else: negative, also without the sign, `max`, or more than 64 bits.
 */
export function parseCount(bytes: Bytes): number {
  const value = countAt(bytes, 0, endOf(bytes));
  if (value === undefined) throw cannotParse('a count', bytes);
  return value;
}

/**
 * Parses a file with a limit, such as `memory.max`, `memory.low`, `pids.max` or `hugetlb.2MB.max`; no limit is `Infinity`. That is
 * `max`, and for huge pages a number as on v1 (seen on Linux 6.18):
 *
 *     67108864
 *     max
 *     9223372036854771712
 *
 * @throws SyntaxError for anything else.
 */
export function parseLimit(bytes: Bytes): number {
  const end = endOf(bytes);
  if (sameBytes(bytes, 0, end, MAX)) return Infinity;
  const value = decimalAt(bytes, 0, end);
  if (value === undefined) throw cannotParse('a number or "max"', bytes);
  return value >= UNLIMITED ? Infinity : value;
}

/**
 * Parses a v1 limit in bytes such as `memory.limit_in_bytes`. No limit (`Infinity`) is a huge number that depends on the page
 * size, `9223372036854771712` with pages of 4 KiB, and on old kernels 2^64 - 1:
 *
 *     67108864
 *     9223372036854771712
 *     18446744073709551615
 *
 * @throws SyntaxError if it is not one number.
 */
export function parseV1Limit(bytes: Bytes): number {
  const value = decimalAt(bytes, 0, endOf(bytes));
  if (value === undefined) throw cannotParse('a number', bytes);
  return value >= UNLIMITED ? Infinity : value;
}

/**
 * Parses a file with a 0 or a 1, such as `memory.oom.group`:
 *
 *     1
 *     0
 *
 * @throws SyntaxError for anything else.
 */
export function parseSwitch(bytes: Bytes): boolean {
  const value = parseCount(bytes);
  if (value > 1) throw cannotParse('0 or 1', bytes);
  return value === 1;
}

/**
 * Parses `cpu.cfs_quota_us` (v1) in microseconds; `-1` is unlimited, `Infinity`:
 *
 *     50000
 *     -1
 *     1000
 *
 * @throws SyntaxError for anything else, a quota of 0 too.
 */
export function parseV1Quota(bytes: Bytes): number {
  const end = endOf(bytes);
  if (sameBytes(bytes, 0, end, NO_QUOTA)) return Infinity;
  const value = decimalAt(bytes, 0, end);
  if (value === undefined || value === 0) throw cannotParse('a quota', bytes);
  return value;
}

/**
 * Parses `cpu.cfs_period_us` (v1) in microseconds: `100000`.
 *
 * @throws SyntaxError for anything else, a period of 0 too.
 */
export function parseV1Period(bytes: Bytes): number {
  const value = parseCount(bytes);
  if (value === 0) throw cannotParse('a period', bytes);
  return value;
}

function endOf(bytes: Bytes): number {
  return bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
}
