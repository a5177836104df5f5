import fc from 'fast-check';

/** Numbers that are too long, too large, negative or none, in place of the number that the kernel writes. */
const NUMBERS = [
  '18446744073709551615',
  '9223372036854775807',
  '99999999999999999999999999',
  '1e400',
  '-1',
  '-0',
  '1.5',
  '0x10',
  'NaN',
  'Infinity',
  '',
];

/** No UTF-8, NUL, and what ends or begins lines and fields. */
const BYTES = [[0], [0xff, 0xfe], [0xc3, 0x28], [0xed, 0xa0, 0x80], [10], [32], [9], [58], [0xe2, 0x80, 0xa8]];

type Damage = (bytes: Buffer) => Buffer;

const at = (share: number, length: number): number => Math.min(length, Math.floor(share * (length + 1)));
const share = fc.double({ min: 0, max: 1, noNaN: true });

const flip = fc.tuple(share, fc.nat(7)).map(([where, bit]): Damage => (bytes) => {
  const copy = Buffer.from(bytes);
  const index = at(where, copy.length - 1);
  if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << bit);
  return copy;
});

const truncate = share.map(
  (where): Damage =>
    (bytes) =>
      bytes.subarray(0, at(where, bytes.length)),
);

const insert = fc.tuple(share, fc.constantFrom(...BYTES)).map(([where, what]): Damage => (bytes) => {
  const index = at(where, bytes.length);
  return Buffer.concat([bytes.subarray(0, index), Buffer.from(what), bytes.subarray(index)]);
});

/** Lines are exchanged, doubled and left out. */
const shuffle = fc.array(share, { minLength: 1, maxLength: 12 }).map((order): Damage => (bytes) => {
  const lines = bytes.toString('latin1').split('\n');
  return Buffer.from(order.map((where) => lines[at(where, lines.length - 1)] ?? '').join('\n'), 'latin1');
});

const renumber = fc.tuple(share, fc.constantFrom(...NUMBERS)).map(([where, number]): Damage => (bytes) => {
  const text = bytes.toString('latin1');
  const found = [...text.matchAll(/\d+/g)];
  const chosen = found[at(where, found.length - 1)];
  if (chosen === undefined) return bytes;
  return Buffer.from(text.slice(0, chosen.index) + number + text.slice(chosen.index + chosen[0].length), 'latin1');
});

/** Longer than a buffer, but not so long that the test is slow. */
const repeat = fc.integer({ min: 2, max: 50 }).map(
  (times): Damage =>
    (bytes) =>
      Buffer.concat(Array.from({ length: times }, () => bytes)).subarray(0, 200_000),
);

/** One to four kinds of damage, one after the other. */
export const damage: fc.Arbitrary<Damage> = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: flip },
      { weight: 2, arbitrary: truncate },
      { weight: 3, arbitrary: insert },
      { weight: 2, arbitrary: shuffle },
      { weight: 4, arbitrary: renumber },
      { weight: 1, arbitrary: repeat },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((steps) => (bytes) => steps.reduce((damaged, step) => step(damaged), bytes));

/** How often each property is tried: `FUZZ=10` makes ten times as many runs. */
export function runs(count: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(count * Number(process.env['FUZZ'] ?? 1)) };
}

/** All numbers in a value, at any depth. */
export function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value === 'bigint') return [Number(value)];
  if (value instanceof Map) return [...value.values()].flatMap(numbersIn);
  if (Array.isArray(value)) return value.flatMap(numbersIn);
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(numbersIn);
  return [];
}
