import { type Bytes, countOf, raise, sameBytes, textOf } from './bytes.ts';
import { NO_NUMBER } from './io-stat.ts';

/** The whole file before the first I/O, as in most containers. */
const NOTHING = Buffer.from('Total 0\n');

/** The counts in a v1 blkio file, by device and direction. What is malformed is `undefined`. */
export interface DeviceCounts {
  /** `major:minor`. */
  readonly device: string;
  readonly read: number | undefined;
  readonly write: number | undefined;
}

/**
 * Parses `blkio.throttle.io_service_bytes_recursive` (bytes) and `blkio.throttle.io_serviced_recursive` (operations) of
 * cgroup v1 (Documentation/admin-guide/cgroup-v1/blkio-controller.rst), and the same files without `_recursive`:
 *
 *     254:0 Read 4096
 *     254:0 Write 0
 *     Total 4096
 *
 * `Sync`, `Async`, `Discard` and `Total` are skipped: they count the same I/O again. So is a device that has no
 * number, `(unknown) Read 4096`.
 *
 * @param note gets the error for a count that is not a number, or negative, also without its sign. The other counts are read.
 * Without it the parser throws the error.
 * @throws SyntaxError for any other line.
 */
export function parseBlkio(bytes: Bytes, note: (error: SyntaxError) => void = raise): readonly DeviceCounts[] {
  if (bytes.length === 0 || sameBytes(bytes, 0, bytes.length, NOTHING)) return [];
  const devices = new Map<string, { -readonly [K in keyof DeviceCounts]: DeviceCounts[K] }>();
  for (const line of textOf(bytes).split('\n')) {
    if (line === '' || line.startsWith('Total ')) continue;
    const [device = '', operation, digits = '', ...rest] = line.split(' ');
    if ((!/^\d+:\d+$/.test(device) && device !== NO_NUMBER) || rest.length > 0) throw malformed(line);
    const count = countOf(digits);
    if (count === undefined) note(malformed(line));
    if (device === NO_NUMBER) continue;
    const counts = devices.get(device) ?? { device, read: undefined, write: undefined };
    devices.set(device, counts);
    if (operation === 'Read') counts.read = count;
    if (operation === 'Write') counts.write = count;
  }
  return [...devices.values()];
}

function malformed(line: string): SyntaxError {
  return new SyntaxError(`Cannot parse ${JSON.stringify(line.slice(0, 80))} as block I/O`);
}
