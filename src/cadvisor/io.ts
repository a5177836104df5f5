import { readIo } from '../collectors/io.ts';
import type { DeviceIo } from '../kernel/io-stat.ts';
import { type CadvisorFamily, defineContainerView, ours } from './view.ts';

const ONLY_THE_CONTAINER =
  "Only the container's. In cAdvisor, a container without I/O of its own has the count of the whole disk.";

/** Block I/O by device. */
export const io = defineContainerView({
  name: 'io',
  read: readIo,
  families: [
    byDevice('container_fs_reads_bytes_total', 'Bytes read.', (io) => io.readBytes, ours('io_read_bytes_total')),
    byDevice('container_fs_writes_bytes_total', 'Bytes written.', (io) => io.writeBytes, ours('io_write_bytes_total')),
    byDevice(
      'container_fs_reads_total',
      'Read operations.',
      (io) => io.reads,
      ours('io_reads_total'),
      ONLY_THE_CONTAINER,
    ),
    byDevice(
      'container_fs_writes_total',
      'Write operations.',
      (io) => io.writes,
      ours('io_writes_total'),
      ONLY_THE_CONTAINER,
    ),
  ],
});

function byDevice(
  name: string,
  help: string,
  value: (io: DeviceIo) => number | undefined,
  same: readonly string[],
  differs?: string,
): CadvisorFamily<readonly DeviceIo[]> {
  return {
    name,
    type: 'counter',
    help,
    labels: ['device'],
    samples(devices, emit) {
      for (const counts of devices) {
        const found = value(counts);
        if (found !== undefined) emit(found, pathOf(counts.device));
      }
    },
    ours: same,
    ...(differs === undefined ? {} : { differs }),
  };
}

/** cAdvisor has the path `/dev/vda`. A device that is not in `/proc/diskstats` stays `major:minor`. */
function pathOf(device: string): string {
  return device.includes(':') ? device : `/dev/${device}`;
}
