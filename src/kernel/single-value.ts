import { type Bytes, cannotParse, decimalAt, NEWLINE } from './bytes.ts';

/** v1 writes "no limit" as the largest number of whole pages that fits into a signed 64-bit number of bytes. */
const V1_UNLIMITED = 2 ** 62;

const MAX = [0x6d, 0x61, 0x78];

/**
 * Parses a file with one value, such as `memory.max`, `pids.max` (`max` is `Infinity`), `memory.current`,
 * `cpuacct.usage` or `cpu.cfs_quota_us` (may be negative):
 *
 *     67108864
 *     max
 *     -1
 *
 * Units are the file's; see Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 *
 * @throws SyntaxError for anything else.
 */
export function parseSingleValue(bytes: Bytes): number {
  const end = bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
  if (end === 3 && MAX.every((byte, index) => bytes[index] === byte)) return Infinity;
  const value = decimalAt(bytes, 0, end);
  if (value === undefined) throw cannotParse('a number or "max"', bytes);
  return value;
}

/**
 * Parses a v1 limit in bytes such as `memory.limit_in_bytes`, where unlimited is a huge number that depends on the page
 * size (`9223372036854771712` with 4 KiB pages): `Infinity`.
 *
 * @throws SyntaxError for anything but one number.
 */
export function parseV1Limit(bytes: Bytes): number {
  const value = parseSingleValue(bytes);
  return value >= V1_UNLIMITED ? Infinity : value;
}
