import { textOf } from './bytes.ts';
import type { Bytes } from './files.ts';

/** What a v1 blkio file counts, by device and direction. */
export interface DeviceCounts {
  /** `major:minor`. */
  readonly device: string;
  readonly read: number;
  readonly write: number;
}

/**
 * Parses `blkio.throttle.io_service_bytes_recursive` (bytes) and `blkio.throttle.io_serviced_recursive` (operations) of
 * cgroup v1 (Documentation/admin-guide/cgroup-v1/blkio-controller.rst):
 *
 *     254:0 Read 4096
 *     254:0 Write 0
 *     Total 4096
 *
 * `Sync`, `Async`, `Discard` and `Total` are passed over: they count the same I/O again.
 *
 * @throws SyntaxError for a line of another form.
 */
export function parseBlkio(bytes: Bytes): DeviceCounts[] {
  if (bytes.length === 0) return [];
  const devices = new Map<string, { device: string; read: number; write: number }>();
  for (const line of textOf(bytes).split('\n')) {
    if (line === '' || line.startsWith('Total ')) continue;
    const [device, operation, count, ...rest] = line.split(' ');
    const value = Number(count);
    if (device === undefined || !/^\d+:\d+$/.test(device) || !Number.isFinite(value) || rest.length > 0) {
      throw new SyntaxError(`Cannot parse ${JSON.stringify(line.slice(0, 80))} as block I/O`);
    }
    const counts = devices.get(device) ?? { device, read: 0, write: 0 };
    devices.set(device, counts);
    if (operation === 'Read') counts.read = value;
    if (operation === 'Write') counts.write = value;
  }
  return [...devices.values()];
}
