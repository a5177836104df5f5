import { limitOfCgroup } from '../collectors/cgroup-limits.ts';
import { parsedFile } from '../collectors/cgroup-value.ts';
import type { Scrape } from '../collectors/collector.ts';
import { readMemory, workingSetOf } from '../collectors/memory.ts';
import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { defineContainerView, ours } from './view.ts';

const ON_V1 = 'Also on cgroup v1, where cAdvisor has 0.';
const V2_ONLY = 'Absent on cgroup v1, where cAdvisor has 0.';
const OWN_LIMIT = "Of the container's own limit; 0 without one. cAdvisor also counts limits of cgroups inside.";

/** Memory in use, faults, and limits that were reached. */
export const memory = defineContainerView({
  name: 'memory',
  read: readAll,
  families: [
    {
      name: 'container_memory_usage_bytes',
      type: 'gauge',
      help: 'Memory charged to the container, page cache included, in bytes.',
      value: ({ usage }) => usage,
      ours: ours('memory_usage_bytes'),
    },
    {
      name: 'container_memory_working_set_bytes',
      type: 'gauge',
      help: 'Usage without inactive page cache, in bytes.',
      value: workingSetOf,
      ours: ours('memory_working_set_bytes'),
    },
    {
      name: 'container_memory_rss',
      type: 'gauge',
      help: 'Anonymous memory, in bytes.',
      value: ({ anon }) => anon,
      ours: ours('memory_anon_bytes'),
    },
    {
      name: 'container_memory_cache',
      type: 'gauge',
      help: 'Page cache, in bytes.',
      value: ({ file }) => file,
      ours: ours('memory_file_bytes'),
    },
    {
      name: 'container_memory_mapped_file',
      type: 'gauge',
      help: 'Page cache that processes have mapped, in bytes.',
      value: ({ mappedFile }) => mappedFile,
      ours: ours('memory_mapped_file_bytes'),
    },
    {
      name: 'container_memory_swap',
      type: 'gauge',
      help: 'Swap in use, in bytes.',
      value: ({ swap }) => swap,
      ours: ours('memory_swap_usage_bytes'),
      differs: 'Absent without swap accounting, where cAdvisor has 0.',
    },
    {
      name: 'container_memory_max_usage_bytes',
      type: 'gauge',
      help: 'Highest usage so far, in bytes.',
      value: ({ peak }) => peak,
      ours: ours('memory_peak_bytes'),
      differs: 'Absent on cgroup v2 before Linux 5.19, where cAdvisor has 0.',
    },
    {
      name: 'container_memory_kernel_usage',
      type: 'gauge',
      help: 'Kernel memory, in bytes.',
      value: ({ kernel }) => kernel,
      ours: ours('memory_kernel_bytes'),
      differs: 'Also on cgroup v2 (Linux 5.18), where cAdvisor has 0.',
    },
    {
      name: 'container_memory_total_active_file_bytes',
      type: 'gauge',
      help: 'Page cache in active use, in bytes.',
      value: ({ activeFile }) => activeFile,
      ours: [],
    },
    {
      name: 'container_memory_total_inactive_file_bytes',
      type: 'gauge',
      help: 'Page cache that the kernel drops first, in bytes.',
      value: ({ inactiveFile }) => inactiveFile,
      ours: [],
    },
    {
      name: 'container_memory_file_dirty_bytes',
      type: 'gauge',
      help: 'Page cache that is not yet written to disk, in bytes.',
      value: ({ dirty }) => dirty,
      ours: [],
      differs: ON_V1,
    },
    {
      name: 'container_memory_file_writeback_bytes',
      type: 'gauge',
      help: 'Page cache that is being written to disk, in bytes.',
      value: ({ writeback }) => writeback,
      ours: [],
      differs: ON_V1,
    },
    {
      name: 'container_memory_failcnt',
      type: 'plain_counter',
      help: 'Times that the memory limit was reached.',
      value: ({ events, limit }) => events.max ?? withoutLimit(limit),
      ours: ours('memory_events_total{event="max"}'),
      differs: "The container's own limit, also on cgroup v2, where cAdvisor has 0.",
    },
    {
      name: 'container_memory_events_max_total',
      type: 'counter',
      help: 'Times that memory.max was reached.',
      value: ({ events, limit, isV1 }) => (isV1 ? undefined : (events.max ?? withoutLimit(limit))),
      ours: ours('memory_events_total{event="max"}'),
      differs: `${OWN_LIMIT} ${V2_ONLY}`,
    },
    {
      name: 'container_memory_events_high_total',
      type: 'counter',
      help: 'Times that memory.high was exceeded.',
      value: ({ events, high, isV1 }) => (isV1 ? undefined : (events.high ?? withoutLimit(high))),
      ours: ours('memory_events_total{event="high"}'),
      differs: `${OWN_LIMIT} ${V2_ONLY}`,
    },
    {
      name: 'container_memory_failures_total',
      type: 'counter',
      help: 'Page faults: pgfault, and pgmajfault for those that needed I/O.',
      labels: ['failure_type', 'scope'],
      samples({ faults, majorFaults }, emit) {
        for (const scope of ['container', 'hierarchy']) {
          if (faults !== undefined) emit(faults, 'pgfault', scope);
          if (majorFaults !== undefined) emit(majorFaults, 'pgmajfault', scope);
        }
      },
      ours: [...ours('memory_faults_total'), ...ours('memory_major_faults_total')],
      differs:
        'Both scopes have the same value, as in cAdvisor: cgroups inside the container included, on cgroup v1 too.',
    },
    {
      name: 'container_memory_pgscan_total',
      type: 'counter',
      help: 'Pages that reclaim looked at.',
      value: ({ scanned }) => scanned,
      ours: [],
      differs: V2_ONLY,
    },
    {
      name: 'container_memory_pgsteal_total',
      type: 'counter',
      help: 'Pages that reclaim freed.',
      value: ({ stolen }) => stolen,
      ours: [],
      differs: V2_ONLY,
    },
    {
      name: 'container_memory_workingset_refault_anon_total',
      type: 'counter',
      help: 'Anonymous pages that were needed again after reclaim.',
      value: ({ refaultsAnon }) => refaultsAnon,
      ours: ours('memory_refaults_total{kind="anon"}'),
      differs: ON_V1,
    },
    {
      name: 'container_memory_workingset_refault_file_total',
      type: 'counter',
      help: 'Pages of files that were needed again after reclaim.',
      value: ({ refaultsFile }) => refaultsFile,
      ours: ours('memory_refaults_total{kind="file"}'),
      differs: ON_V1,
    },
  ],
});

/** A container without a limit never reaches it. Of an unknown limit nothing is known. */
function withoutLimit(limit: number | undefined): number | undefined {
  return limit === Infinity ? 0 : undefined;
}

/** The reading of our collector, and the fields of `memory.stat` that only cAdvisor has. Bytes and counts. */
function readAll(container: Container, scrape: Scrape) {
  const found = readMemory(container, scrape);
  if (found === undefined) return undefined;
  const { files } = container;
  return {
    ...found,
    ...readStat(files),
    isV1: files.versionOf('memory') === 1,
    limit: limitOfCgroup(files, 'memory', scrape),
    high: limitOfCgroup(files, 'high', scrape),
  };
}

const parseV2 = flatKeyedParser(['active_file', 'file_dirty', 'file_writeback', 'pgscan', 'pgsteal']);
const parseV1 = flatKeyedParser(['total_active_file', 'total_dirty', 'total_writeback']);

function readStat(files: CgroupFiles) {
  if (files.versionOf('memory') === 1) {
    const stat = parsedFile(files, 'memory', 'memory.stat', parseV1);
    return {
      activeFile: stat?.total_active_file,
      dirty: stat?.total_dirty,
      writeback: stat?.total_writeback,
      scanned: undefined,
      stolen: undefined,
    };
  }
  const stat = parsedFile(files, 'memory', 'memory.stat', parseV2);
  return {
    activeFile: stat?.active_file,
    dirty: stat?.file_dirty,
    writeback: stat?.file_writeback,
    scanned: stat?.pgscan,
    stolen: stat?.pgsteal,
  };
}
