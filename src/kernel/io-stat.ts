import { type Bytes, countOf, raise, textOf } from './bytes.ts';

/** Block I/O of a cgroup on one device since the cgroup was made. What is malformed is `undefined`. */
export interface DeviceIo {
  /** `major:minor`. */
  readonly device: string;
  readonly readBytes: number | undefined;
  readonly writeBytes: number | undefined;
  readonly reads: number | undefined;
  readonly writes: number | undefined;
}

/**
 * What the kernel (since 5.7) writes for a device that has no number: a path of an NVMe multipath device, whose I/O is also counted for
 * that device, or one that was removed while a file system on it is still mounted.
 */
export const NO_NUMBER = '(unknown)';

const KEYS: Readonly<Record<string, keyof Omit<DeviceIo, 'device'>>> = {
  rbytes: 'readBytes',
  wbytes: 'writeBytes',
  rios: 'reads',
  wios: 'writes',
};

/**
 * Parses `io.stat` (v2), bytes and operations:
 *
 *     8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
 *     8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021
 *     253:1 253:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0
 *
 * The third line is real: some kernels (5.10 to 5.15) print a device without numbers and without the newline. Such a device
 * had no I/O and is omitted. So is one that has no number, `(unknown) rbytes=…`. Other keys (`cost.*`) are
 * skipped.
 *
 * @param note gets the error for a value that is not a number, or negative, also without its sign. The other values are read. Without
 * it the parser throws the error.
 * @throws SyntaxError for any word that is neither a device nor `key=value`.
 */
export function parseIoStat(bytes: Bytes, note: (error: SyntaxError) => void = raise): DeviceIo[] {
  if (bytes.length === 0) return [];
  const devices: DeviceIo[] = [];
  let current: { -readonly [K in keyof DeviceIo]: DeviceIo[K] } | undefined;
  for (const word of textOf(bytes).split(/[ \n]/)) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    if (equals < 0) {
      if (!/^\d+:\d+$/.test(word) && word !== NO_NUMBER) throw malformed(word);
      current = { device: word, readBytes: undefined, writeBytes: undefined, reads: undefined, writes: undefined };
      continue;
    }
    const key = KEYS[word.slice(0, equals)];
    if (key === undefined) continue;
    const value = countOf(word.slice(equals + 1));
    if (current === undefined) throw malformed(word);
    if (value === undefined) note(malformed(word));
    if (devices.at(-1) !== current && current.device !== NO_NUMBER) devices.push(current);
    current[key] = value;
  }
  return devices;
}

function malformed(word: string): SyntaxError {
  return new SyntaxError(`Cannot parse ${JSON.stringify(word.slice(0, 80))} in io.stat`);
}
