import type { Container } from '../container.ts';
import { type DeviceCounts, parseBlkio } from '../kernel/blkio.ts';
import { parseDiskNames } from '../kernel/diskstats.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { type DeviceIo, parseIoStat } from '../kernel/io-stat.ts';
import { UNREADABLE, parsedFile, parsedOrUnreadable } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Family, oncePerScrape, type Scrape } from './collector.ts';

/** Block I/O by device. */
export const io: Collector = defineContainerCollector({
  name: 'io',
  help: 'Block I/O by device.',
  read: readIo,
  families: [
    byDevice(
      'isolation_container_io_read_bytes_total',
      'Bytes read',
      'rbytes',
      'io_service_bytes',
      (io) => io.readBytes,
    ),
    byDevice(
      'isolation_container_io_write_bytes_total',
      'Bytes written',
      'wbytes',
      'io_service_bytes',
      (io) => io.writeBytes,
    ),
    byDevice('isolation_container_io_reads_total', 'Read operations', 'rios', 'io_serviced', (io) => io.reads),
    byDevice('isolation_container_io_writes_total', 'Write operations', 'wios', 'io_serviced', (io) => io.writes),
  ],
});

/** Reads the block I/O of a container. Devices have the names of the kernel, such as `vda`, or else `major:minor`. */
export function readIo({ files }: Pick<Container, 'files'>, scrape: Scrape): readonly DeviceIo[] {
  const devices =
    files.versionOf('blkio') === 1 ? readV1(files) : (parsedFile(files, 'io', 'io.stat', parseIoStat) ?? []);
  if (devices.length === 0) return devices;
  const names = diskNames(scrape);
  return devices.map((counts) => ({ ...counts, device: names.get(counts.device) ?? counts.device }));
}

function byDevice(
  name: string,
  what: string,
  key: string,
  v1File: string,
  value: (io: DeviceIo) => number | undefined,
): Family<readonly DeviceIo[]> {
  return {
    name,
    type: 'counter',
    since: 'cgroup',
    help: `${what} by device: ${key} of io.stat (v1: blkio.throttle.${v1File}_recursive; without _recursive before Linux 4.16, where cgroups inside the container are not counted). Absent for a device without I/O; on v1 recent kernels (seen on 6.18) count only on a device that some cgroup had a throttle rule for, since boot.`,
    labels: ['device'],
    samples(devices, emit) {
      for (const counts of devices) {
        const count = value(counts);
        if (count !== undefined) emit(count, counts.device);
      }
    },
  };
}

const diskNames = oncePerScrape((scrape) => parseDiskNames(scrape.kernel.proc('diskstats') ?? ''));

/** Combines two v1 files, which list the same devices. */
function readV1(files: CgroupFiles): readonly DeviceIo[] {
  const bytes = readThrottle(files, 'blkio.throttle.io_service_bytes') ?? [];
  if (bytes.length === 0) return [];
  const operations = new Map(
    readThrottle(files, 'blkio.throttle.io_serviced')?.map((counts) => [counts.device, counts]),
  );
  return bytes.map(({ device, read, write }) => ({
    device,
    readBytes: read,
    writeBytes: write,
    reads: operations.get(device)?.read,
    writes: operations.get(device)?.write,
  }));
}

/** The counts including the cgroups inside. Before Linux 4.16 the kernel only counts the cgroup itself. */
function readThrottle(files: CgroupFiles, name: string): readonly DeviceCounts[] | undefined {
  const recursive = parsedOrUnreadable(files, 'blkio', `${name}_recursive`, parseBlkio);
  if (recursive === UNREADABLE) return undefined;
  return recursive ?? parsedFile(files, 'blkio', name, parseBlkio);
}
