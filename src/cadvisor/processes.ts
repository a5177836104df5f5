import { openFilesLimitOf } from '../collectors/descriptors.ts';
import { countIn } from '../collectors/cgroup-value.ts';
import { defineContainerView, ours } from './view.ts';

const ON_BY_DEFAULT = 'On by default.';

/** Processes and threads. */
export const pids = defineContainerView({
  name: 'pids',
  read: ({ files }) => ({ threads: countIn(files, 'pids', 'pids.current'), processes: files.processes().length }),
  families: [
    {
      name: 'container_processes',
      type: 'gauge',
      help: "Processes in the container's own cgroup.",
      // The exporter sees none if it has a PID namespace of its own.
      value: ({ processes }) => (processes === 0 ? undefined : processes),
      ours: [],
      differs: `${ON_BY_DEFAULT} Absent where the exporter cannot see processes.`,
    },
    {
      name: 'container_threads',
      type: 'gauge',
      help: 'Processes and threads, as the limit counts them.',
      value: ({ threads }) => threads,
      ours: ours('pids'),
      differs: ON_BY_DEFAULT,
    },
  ],
});

/** The limit of open files. */
export const ulimits = defineContainerView({
  name: 'descriptors',
  read: ({ init }) => (init === undefined ? undefined : { limit: openFilesLimitOf(init) }),
  families: [
    {
      name: 'container_ulimits_soft',
      type: 'gauge',
      help: 'Soft limits of the first process; -1 is unlimited.',
      labels: ['ulimit'],
      samples({ limit }, emit) {
        if (limit !== undefined) emit(limit === Infinity ? -1 : limit, 'max_open_files');
      },
      ours: ours('init_open_files_limit'),
      differs: ON_BY_DEFAULT,
    },
  ],
});
