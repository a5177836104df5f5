import type { WritableLayer } from '../container.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

const ABSENT_FILE_SYSTEM =
  'Absent as isolation_container_writable_layer_bytes, but not for one with more files than are counted.';

/** Measurements of what each container has written over its image. */
export const layers: Collector = defineContainerCollector({
  name: 'layers',
  help: 'Size of what containers have written over their images, from a count of all their files.',
  offByDefault: true,
  remedy: 'run as root with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH',
  read: (container, scrape) => scrape.layers?.of(container),
  problem: ({ denied }: WritableLayer) => denied,
  families: [
    {
      name: 'isolation_container_writable_layer_bytes',
      type: 'gauge',
      help:
        'Disk space of the files that the container has written over its image, not to volumes: the upper directory of its overlay, as ' +
        'du counts. At most as old as --layers.interval where that is long enough for all containers. Absent until the first ' +
        'count has ended, and where isolation_container_writable_layer_unknown says why.',
      value: ({ size }) => (typeof size === 'string' ? undefined : size.bytes),
    },
    {
      name: 'isolation_container_writable_layer_timestamp_seconds',
      type: 'gauge',
      help: 'When isolation_container_writable_layer_bytes was measured, in seconds since the Unix epoch. Absent as that.',
      value: ({ size }) => (typeof size === 'string' ? undefined : size.at),
    },
    {
      name: 'isolation_container_writable_layer_unknown',
      type: 'gauge',
      help:
        'Always 1, with the reason why isolation_container_writable_layer_bytes is absent: no_layer (not an overlay that an engine has ' +
        'mounted on the host), unreachable (the files of the host), remote (on a file system that may wait for a server), unreadable, ' +
        'unanswered (a look does not return), too_many_files (over 200,000), too_deep (over 256 levels), too_slow (over 10 s).',
      labels: ['reason'],
      samples({ size }, emit) {
        if (typeof size === 'string') emit(1, size);
      },
    },
    {
      name: 'isolation_container_root_file_system_size_bytes',
      type: 'gauge',
      help: `Size of the file system that holds the writable layer, or its project quota on XFS (docker run --storage-opt size=), from statfs. ${ABSENT_FILE_SYSTEM}`,
      value: ({ fileSystem }) => fileSystem?.size,
    },
    {
      name: 'isolation_container_root_file_system_available_bytes',
      type: 'gauge',
      help: `Free space for users other than root on that file system, or in its quota, when the layer was last measured. ${ABSENT_FILE_SYSTEM}`,
      value: ({ fileSystem }) => fileSystem?.available,
    },
  ],
});
