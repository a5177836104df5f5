/**
 * Parsing of kernel files as bytes. A scrape reads thousands of them, most only a few bytes long: converting each to a string
 * first would cost more than the kernel takes to render it.
 *
 * Counters are read as `number`: exact up to 2^53, which is 285 years of microseconds or 8 PiB.
 */

/** Bytes of a kernel file. Valid only until the next read: the buffer behind them is reused. */
export type Bytes = Uint8Array;

export const NEWLINE = 0x0a;
export const SPACE = 0x20;
const ZERO = 0x30;

/** The kernel's largest counter, rounded to the nearest `number`. */
const LARGEST = 2 ** 64;

/**
 * Counts from here on are negative numbers: some kernels write those of a counter that has fallen below 0 without the sign
 * (18446744073709547520 for -4096), others with it.
 */
const NEGATIVE = 2 ** 63;

/**
 * Parses the bytes from `start` to `end` as a count: a whole decimal number that is not negative, also without its sign.
 * `undefined` if they are not one.
 */
export function countAt(bytes: Bytes, start: number, end: number): number | undefined {
  return unlessNegative(decimalAt(bytes, start, end));
}

/** The same as {@link countAt}, but for text. */
export function countOf(text: string): number | undefined {
  return unlessNegative(decimalOf(text));
}

function unlessNegative(value: number | undefined): number | undefined {
  return value === undefined || value >= NEGATIVE ? undefined : value;
}

/**
 * Parses the bytes from `start` to `end` as a whole decimal number that fits into 64 bits without a sign. `undefined` if they are
 * not one.
 */
export function decimalAt(bytes: Bytes, start: number, end: number): number | undefined {
  if (start >= end) return undefined;
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (!isDigit(byte)) return undefined;
    value = value * 10 + (byte - ZERO);
  }
  return value <= LARGEST ? value : undefined;
}

/** The same as {@link decimalAt}, but for text. */
export function decimalOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value <= LARGEST ? value : undefined;
}

/** Whether a byte is a decimal digit. */
export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** The index of `byte` at or after `start`, or the length of `bytes` if there is none. */
export function indexOfByte(bytes: Bytes, byte: number, start: number): number {
  const { length } = bytes;
  let index = start;
  while (index < length && bytes[index] !== byte) index += 1;
  return index;
}

/** Whether the bytes from `start` to `end` equal the expected ones. */
export function sameBytes(bytes: Bytes, start: number, end: number, expected: Uint8Array): boolean {
  if (end - start !== expected.length) return false;
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}

/** The bytes as text; invalid UTF-8 becomes U+FFFD. */
export function textOf(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** What a parser does with a malformed value if its caller does not take note of it. */
export function raise(error: SyntaxError): never {
  throw error;
}

/** The error for a malformed file, with at most 80 bytes of it. */
export function cannotParse(what: string, bytes: Bytes, start = 0): SyntaxError {
  const line = bytes.subarray(start, Math.min(indexOfByte(bytes, NEWLINE, start), start + 80));
  return new SyntaxError(`Cannot parse ${JSON.stringify(textOf(line))} as ${what}`);
}
