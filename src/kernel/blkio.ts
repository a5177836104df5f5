import { type Bytes, decimalOf, sameBytes, textOf } from './bytes.ts';
import { NO_NUMBER } from './io-stat.ts';

/** The whole file before the first I/O, as in most containers. */
const NOTHING = Buffer.from('Total 0\n');

/** The counts in a v1 blkio file, by device and direction. */
export interface DeviceCounts {
  /** `major:minor`. */
  readonly device: string;
  readonly read: number;
  readonly write: number;
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
 * @throws SyntaxError for any other line.
 */
export function parseBlkio(bytes: Bytes): readonly DeviceCounts[] {
  if (bytes.length === 0 || sameBytes(bytes, 0, bytes.length, NOTHING)) return [];
  const devices = new Map<string, { device: string; read: number; write: number }>();
  for (const line of textOf(bytes).split('\n')) {
    if (line === '' || line.startsWith('Total ')) continue;
    const [device = '', operation, digits = '', ...rest] = line.split(' ');
    const count = decimalOf(digits);
    if ((!/^\d+:\d+$/.test(device) && device !== NO_NUMBER) || count === undefined || rest.length > 0) {
      throw new SyntaxError(`Cannot parse ${JSON.stringify(line.slice(0, 80))} as block I/O`);
    }
    if (device === NO_NUMBER) continue;
    const counts = devices.get(device) ?? { device, read: 0, write: 0 };
    devices.set(device, counts);
    if (operation === 'Read') counts.read = count;
    if (operation === 'Write') counts.write = count;
  }
  return [...devices.values()];
}
