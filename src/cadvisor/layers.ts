import type { WritableLayer } from '../container.ts';
import { defineContainerView } from './view.ts';

const ON_REQUEST = 'Only with `--collector.layers`. Absent where it is unknown.';

/** The size of what containers have written over their images. */
export const layers = defineContainerView({
  name: 'layers',
  read: (container, scrape) => scrape.layers?.of(container),
  families: [
    {
      name: 'container_fs_usage_bytes',
      type: 'gauge',
      help: 'Disk space of what the container has written over its image.',
      labels: ['device'],
      samples({ size, fileSystem }: WritableLayer, emit) {
        if (typeof size !== 'string' && fileSystem !== undefined) emit(size.bytes, fileSystem.device);
      },
      ours: ['isolation_container_writable_layer_bytes'],
      differs: `${ON_REQUEST} Without the log that Docker keeps of the container, which cAdvisor adds.`,
    },
    {
      name: 'container_fs_limit_bytes',
      type: 'gauge',
      help: 'Size of the file system that the container writes to, or of its quota.',
      labels: ['device'],
      samples({ fileSystem }: WritableLayer, emit) {
        if (fileSystem !== undefined) emit(fileSystem.size, fileSystem.device);
      },
      ours: ['isolation_container_root_file_system_size_bytes'],
      differs: `${ON_REQUEST} The quota where the container has one, where cAdvisor has the size of the whole file system.`,
    },
  ],
});
