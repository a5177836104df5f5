import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { parseLimit } from '../kernel/single-value.ts';
import { parsedFile } from './cgroup-value.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

interface ZswapReading {
  /** The size of the compressed pages in bytes. */
  readonly compressed: number | undefined;
  /** The size of the same pages before compression, in bytes. */
  readonly original: number | undefined;
  /** Bytes; `Infinity`: unlimited. */
  readonly limit: number | undefined;
  readonly writtenBack: number | undefined;
}

const parseStat = flatKeyedParser(['zswap', 'zswapped', 'zswpwb']);

/** Swap that is kept compressed in memory. */
export const zswap: Collector = defineContainerCollector({
  name: 'zswap',
  help: 'Swap kept compressed in memory, and its limit.',
  offByDefault: true,
  read({ files }): ZswapReading | undefined {
    if (files.versionOf('memory') !== 2) return undefined;
    const stat = parsedFile(files, 'memory', 'memory.stat', parseStat);
    return {
      compressed: stat?.zswap,
      original: stat?.zswapped,
      limit: parsedFile(files, 'memory', 'memory.zswap.max', parseLimit),
      writtenBack: stat?.zswpwb,
    };
  },
  families: [
    {
      name: 'isolation_container_memory_zswap_bytes',
      type: 'gauge',
      help: 'Memory that compressed swap takes: zswap of memory.stat. Absent before Linux 5.19, without zswap in the kernel and on cgroup v1.',
      value: ({ compressed }) => compressed,
    },
    {
      name: 'isolation_container_memory_zswapped_bytes',
      type: 'gauge',
      help: 'Memory that was swapped out and is kept compressed, at its original size: zswapped of memory.stat. Absent as isolation_container_memory_zswap_bytes.',
      value: ({ original }) => original,
    },
    {
      name: 'isolation_container_memory_zswap_limit_bytes',
      type: 'gauge',
      help: "Limit of compressed swap of the container's own cgroup: memory.zswap.max. Absent if unlimited or unknown.",
      value: ({ limit }) => (limit === Infinity ? undefined : limit),
    },
    {
      name: 'isolation_container_memory_zswap_written_back_pages_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Pages moved from zswap to the swap device: zswpwb of memory.stat. Absent before Linux 6.8 and on cgroup v1.',
      value: ({ writtenBack }) => writtenBack,
    },
  ],
});
