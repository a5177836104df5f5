import { type Bytes, cannotParse, countAt, indexOfByte, NEWLINE, raise, sameBytes, SPACE } from './bytes.ts';

const MALFORMED = Symbol('malformed');

/** The values of the requested keys; `undefined` for a key that the file lacks, and for one whose value is malformed. */
export type FlatKeyed<Key extends string> = { [K in Key]: number | undefined } & {
  [MALFORMED]?: ReadonlySet<string>;
};

/** Whether the file has a value for one of these keys that is malformed, so that a missing one may not count as 0. */
export function areMalformed<Key extends string>(
  values: Readonly<Partial<FlatKeyed<Key>>>,
  keys: readonly Key[],
): boolean {
  const malformed = values[MALFORMED];
  return malformed !== undefined && keys.some((key) => malformed.has(key));
}

/**
 * Creates a parser for files of `key value` lines (`cpu.stat`, `memory.stat`, `memory.events`, `memory.oom_control`,
 * `pids.events`, `/proc/vmstat`):
 *
 *     usage_usec 2301574
 *     nr_throttled 17
 *     throttled_usec 804112
 *
 * Only the requested keys are read; others, including those of future kernels, are skipped. Units are the file's.
 * The parser throws a SyntaxError for a line without a space. A named key whose value is not a number, or negative, also without its
 * sign, is malformed: some kernels have written such values into memory.stat. `note` gets the error, and the other keys are read;
 * without `note` the parser throws it.
 */
export function flatKeyedParser<const Key extends string>(
  keys: readonly Key[],
): (bytes: Bytes, note?: (error: SyntaxError) => void) => FlatKeyed<Key> {
  const wanted = new Map<number, { readonly key: Key; readonly bytes: Uint8Array }>();
  for (const key of keys) {
    const bytes = Buffer.from(key, 'latin1');
    const hash = hashOf(bytes);
    // Two requested keys with the same hash would shadow each other. If this ever happens, change the hash.
    if (wanted.has(hash)) throw new Error(`Keys ${key} and ${wanted.get(hash)?.key} have the same hash`);
    wanted.set(hash, { key, bytes });
  }
  // Every result is a copy of this object, so that all results have the same shape for V8.
  const nothing = Object.fromEntries(keys.map((key) => [key, undefined])) as FlatKeyed<Key>;

  return (bytes, note = raise) => {
    const values = { ...nothing };
    const { length } = bytes;
    let start = 0;
    while (start < length) {
      let hash = 0;
      let space = start;
      for (; space < length; space += 1) {
        const byte = bytes[space] ?? 0;
        if (byte === SPACE) break;
        if (byte === NEWLINE) throw cannotParse('a line of key and value', bytes, start);
        hash = (Math.imul(hash, 31) + byte) | 0;
      }
      if (space === length) throw cannotParse('a line of key and value', bytes, start);
      const end = indexOfByte(bytes, NEWLINE, space);
      const entry = wanted.get(hash);
      if (entry !== undefined && sameBytes(bytes, start, space, entry.bytes)) {
        const value = countAt(bytes, space + 1, end);
        if (value === undefined) {
          note(cannotParse('a line of key and number', bytes, start));
          values[MALFORMED] = new Set(values[MALFORMED]).add(entry.key);
        } else (values as Record<Key, number>)[entry.key] = value;
      }
      start = end + 1;
    }
    return values;
  };
}

function hashOf(bytes: Uint8Array): number {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}
