import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { parseSwitch } from '../kernel/single-value.ts';
import { parsedFile, countIn } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Scrape } from './collector.ts';
import { type LimitEvents, limitEventsOf, type SwapEvents, swapEventsOf, throttledSocketsOf } from './memory-events.ts';
import { unreclaimableOfV1, unreclaimableOfV2, V1_FIELDS, V2_FIELDS } from './unreclaimable-memory.ts';

/** Bytes, and counts since the cgroup was created. */
interface MemoryReading {
  readonly usage: number | undefined;
  readonly peak: number | undefined;
  readonly anon: number | undefined;
  readonly file: number | undefined;
  readonly inactiveFile: number | undefined;
  readonly unreclaimable: number | undefined;
  readonly kernel: number | undefined;
  readonly shmem: number | undefined;
  readonly mappedFile: number | undefined;
  readonly swap: number | undefined;
  readonly faults: number | undefined;
  readonly majorFaults: number | undefined;
  readonly refaultsAnon: number | undefined;
  readonly refaultsFile: number | undefined;
  readonly oomGroup: boolean | undefined;
  readonly events: LimitEvents;
  readonly swapEvents: SwapEvents;
  readonly throttledSockets: number | undefined;
}

const ABSENT = 'Absent without the memory controller.';

/** Memory in use, by kind, and how often the container reached its own limits. */
export const memory: Collector = defineContainerCollector({
  name: 'memory',
  help: 'Memory use, faults and limit events.',
  read: readMemory,
  families: [
    {
      name: 'isolation_container_memory_usage_bytes',
      type: 'gauge',
      help: `All memory charged to the container, page cache included: memory.current (v1: memory.usage_in_bytes). ${ABSENT}`,
      value: (reading) => reading.usage,
    },
    {
      name: 'isolation_container_memory_working_set_bytes',
      type: 'gauge',
      help: `Usage minus inactive_file of memory.stat, at least 0, as in cAdvisor. It includes page cache in active use, which the kernel can drop. ${ABSENT}`,
      value: workingSetOf,
    },
    {
      name: 'isolation_container_memory_unreclaimable_bytes',
      type: 'gauge',
      help:
        'Memory that the kernel cannot free without swap or an OOM kill: anonymous memory, tmpfs and shared memory, locked page ' +
        'cache, sockets, and kernel memory minus slab_reclaimable, from memory.stat (v1: all of memory.kmem.usage_in_bytes). ' +
        ABSENT,
      value: (reading) => reading.unreclaimable,
    },
    {
      name: 'isolation_container_memory_peak_bytes',
      type: 'gauge',
      help: 'Highest usage so far: memory.peak (v1: memory.max_usage_in_bytes). Absent on cgroup v2 before Linux 5.19.',
      value: (reading) => reading.peak,
    },
    {
      name: 'isolation_container_memory_anon_bytes',
      type: 'gauge',
      help: `Anonymous memory: anon of memory.stat (v1: total_rss). ${ABSENT}`,
      value: (reading) => reading.anon,
    },
    {
      name: 'isolation_container_memory_file_bytes',
      type: 'gauge',
      help: `Page cache, tmpfs and shared memory included: file of memory.stat (v1: total_cache). ${ABSENT}`,
      value: (reading) => reading.file,
    },
    {
      name: 'isolation_container_memory_kernel_bytes',
      type: 'gauge',
      help: 'Kernel memory: kernel of memory.stat (v1: memory.kmem.usage_in_bytes). Absent on cgroup v2 before Linux 5.18.',
      value: (reading) => reading.kernel,
    },
    {
      name: 'isolation_container_memory_shmem_bytes',
      type: 'gauge',
      help: `Shared memory and tmpfs: shmem of memory.stat (v1: total_shmem). ${ABSENT}`,
      value: (reading) => reading.shmem,
    },
    {
      name: 'isolation_container_memory_mapped_file_bytes',
      type: 'gauge',
      help: `Page cache mapped by processes: file_mapped of memory.stat (v1: total_mapped_file). ${ABSENT}`,
      value: (reading) => reading.mappedFile,
    },
    {
      name: 'isolation_container_memory_swap_usage_bytes',
      type: 'gauge',
      help: 'Swap in use: memory.swap.current (v1: total_swap of memory.stat). Absent without swap accounting.',
      value: (reading) => reading.swap,
    },
    {
      name: 'isolation_container_memory_faults_total',
      type: 'counter',
      since: 'cgroup',
      help: `Page faults: pgfault of memory.stat (v1: total_pgfault). ${ABSENT}`,
      value: (reading) => reading.faults,
    },
    {
      name: 'isolation_container_memory_major_faults_total',
      type: 'counter',
      since: 'cgroup',
      help: `Page faults that needed I/O: pgmajfault of memory.stat (v1: total_pgmajfault). ${ABSENT}`,
      value: (reading) => reading.majorFaults,
    },
    {
      name: 'isolation_container_memory_refaults_total',
      type: 'counter',
      since: 'cgroup',
      help: `Pages that were needed again soon after the kernel had reclaimed them; a steady rate means thrashing: workingset_refault_anon and workingset_refault_file of memory.stat (v1: with total_ in front). Absent before Linux 5.9. ${ABSENT}`,
      labels: ['kind'],
      samples({ refaultsAnon, refaultsFile }, emit) {
        if (refaultsAnon !== undefined) emit(refaultsAnon, 'anon');
        if (refaultsFile !== undefined) emit(refaultsFile, 'file');
      },
    },
    {
      name: 'isolation_container_memory_oom_group',
      type: 'gauge',
      help: 'The OOM killer kills all processes of the container at once (1): memory.oom.group. Absent where it kills one, as always before Linux 4.19 and on cgroup v1.',
      value: ({ oomGroup }) => (oomGroup === true ? 1 : undefined),
    },
    {
      name: 'isolation_container_memory_events_total',
      type: 'counter',
      since: 'cgroup',
      help:
        "Times that the container's own limits were met: low, high, max and oom of memory.events.local, each only where it has " +
        'memory.low, memory.high or memory.max (v1: max of memory.failcnt, memsw_max of memory.memsw.failcnt). Other ' +
        'limits are in isolation_container_limiter_*, killed processes in isolation_container_oom_kills_total.',
      labels: ['event'],
      samples({ events }, emit) {
        for (const [event, count] of Object.entries(events)) if (count !== undefined) emit(count, event);
      },
    },
    {
      name: 'isolation_container_memory_swap_events_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Times that swap was refused or slowed down: high, max (a limit, of the container or a cgroup above) and fail (that, or swap was full) of memory.swap.events. Absent without an effective swap limit, with one of 0, and on cgroup v1.',
      labels: ['event'],
      samples({ swapEvents }, emit) {
        for (const [event, count] of Object.entries(swapEvents)) if (count !== undefined) emit(count, event);
      },
    },
    {
      name: 'isolation_container_memory_throttled_sockets_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Times that a socket of the container was throttled because memory was short: sock_throttled of memory.events. Absent on older kernels (6.12 lacks it, 7.2 has it) and on cgroup v1.',
      value: (reading) => reading.throttledSockets,
    },
  ],
});

/** Reads the memory use of a container; `undefined` without the memory controller. */
export function readMemory(container: Container, scrape: Scrape): MemoryReading | undefined {
  const { files } = container;
  const version = files.versionOf('memory');
  if (version === undefined) return undefined;
  const events = {
    events: limitEventsOf(files, scrape),
    swapEvents: swapEventsOf(container, scrape),
    throttledSockets: throttledSocketsOf(files, scrape),
  };
  return version === 1 ? readV1(files, events) : readV2(files, events);
}

/** Usage without the page cache that the kernel drops first, in bytes. */
export function workingSetOf({
  usage,
  inactiveFile,
}: Pick<MemoryReading, 'usage' | 'inactiveFile'>): number | undefined {
  return usage === undefined || inactiveFile === undefined ? undefined : Math.max(0, usage - inactiveFile);
}

const parseV2Stat = flatKeyedParser([
  ...V2_FIELDS,
  'file_mapped',
  'pgfault',
  'pgmajfault',
  'workingset_refault_anon',
  'workingset_refault_file',
]);

type Events = Pick<MemoryReading, 'events' | 'swapEvents' | 'throttledSockets'>;

function readV2(files: CgroupFiles, { events, swapEvents, throttledSockets }: Events): MemoryReading {
  const stat = parsedFile(files, 'memory', 'memory.stat', parseV2Stat);
  return {
    usage: countIn(files, 'memory', 'memory.current'),
    peak: countIn(files, 'memory', 'memory.peak'),
    anon: stat?.anon,
    file: stat?.file,
    inactiveFile: stat?.inactive_file,
    unreclaimable: unreclaimableOfV2(stat),
    kernel: stat?.kernel,
    shmem: stat?.shmem,
    mappedFile: stat?.file_mapped,
    swap: countIn(files, 'memory', 'memory.swap.current'),
    faults: stat?.pgfault,
    majorFaults: stat?.pgmajfault,
    refaultsAnon: stat?.workingset_refault_anon,
    refaultsFile: stat?.workingset_refault_file,
    oomGroup: parsedFile(files, 'memory', 'memory.oom.group', parseSwitch),
    events,
    swapEvents,
    throttledSockets,
  };
}

/** The `total_` values include the cgroups below, as all values of v2 do. */
const parseV1Stat = flatKeyedParser([
  ...V1_FIELDS,
  'total_mapped_file',
  'total_swap',
  'total_pgfault',
  'total_pgmajfault',
  'total_workingset_refault_anon',
  'total_workingset_refault_file',
]);

function readV1(files: CgroupFiles, { events, swapEvents, throttledSockets }: Events): MemoryReading {
  const stat = parsedFile(files, 'memory', 'memory.stat', parseV1Stat);
  const kernel = countIn(files, 'memory', 'memory.kmem.usage_in_bytes');
  return {
    usage: countIn(files, 'memory', 'memory.usage_in_bytes'),
    peak: countIn(files, 'memory', 'memory.max_usage_in_bytes'),
    anon: stat?.total_rss,
    file: stat?.total_cache,
    inactiveFile: stat?.total_inactive_file,
    unreclaimable: unreclaimableOfV1(stat, kernel),
    kernel,
    shmem: stat?.total_shmem,
    mappedFile: stat?.total_mapped_file,
    swap: stat?.total_swap,
    faults: stat?.total_pgfault,
    majorFaults: stat?.total_pgmajfault,
    refaultsAnon: stat?.total_workingset_refault_anon,
    refaultsFile: stat?.total_workingset_refault_file,
    oomGroup: undefined,
    events,
    swapEvents,
    throttledSockets,
  };
}
