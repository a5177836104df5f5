import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { parsedFile } from './cgroup-value.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

const parseOomKill = flatKeyedParser(['oom_kill']);

/** OOM kills as the kernel counts them in the container's cgroup, for as long as that exists. */
export const oom: Collector = defineContainerCollector({
  name: 'oom',
  help: 'Processes killed by the OOM killer.',
  read: ({ files }) =>
    files.versionOf('memory') === 1
      ? // v1 counts a cgroup's own kills, the field being there since Linux 4.13.
        parsedFile(files, 'memory', 'memory.oom_control', parseOomKill)
      : parsedFile(files, 'memory', 'memory.events', parseOomKill),
  families: [
    {
      name: 'isolation_container_oom_kills_total',
      type: 'counter',
      help: 'Processes of the container killed by the OOM killer: oom_kill of memory.events (v1: of memory.oom_control). Absent without the memory controller.',
      value: (reading) => reading.oom_kill,
    },
  ],
});
