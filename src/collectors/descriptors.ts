import { statSync } from 'node:fs';
import type { InitProcess } from '../container.ts';
import { parseProcLimits } from '../kernel/proc-limits.ts';
import { UNREADABLE, unlessMalformed } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, oncePerScrape } from './collector.ts';

interface OpenFiles {
  readonly open: number | undefined;
  readonly limit: number | undefined;
}

/** Open files of the init process, and its limit. */
export const descriptors: Collector = defineContainerCollector({
  name: 'descriptors',
  help: 'Open files of the init process, and their limit.',
  read({ init }, scrape): OpenFiles | undefined {
    if (init === undefined) return undefined;
    return { open: kernelCounts(scrape) ? init.files.sizeOfFd() : undefined, limit: openFilesLimitOf(init) };
  },
  families: [
    {
      name: 'isolation_container_init_open_files',
      type: 'gauge',
      help: 'File descriptors that the init process has open: size of /proc/<pid>/fd. Absent before Linux 6.2, and without a process that the exporter can see.',
      value: ({ open }) => open,
    },
    {
      name: 'isolation_container_init_open_files_limit',
      type: 'gauge',
      help: 'File descriptors that the init process may have open: soft limit of "Max open files" in /proc/<pid>/limits (RLIMIT_NOFILE). Absent if unlimited or unknown.',
      value: ({ limit }) => (limit === Infinity ? undefined : limit),
    },
  ],
});

/**
 * Whether the size of a `fd` directory is the number of open files. Before Linux 6.2 it is 0, and listing the directory
 * costs too much. This process certainly has open files, so its own directory shows which kernel this is.
 */
const kernelCounts = oncePerScrape(() => statSync('/proc/self/fd').size > 0);

/** The limit is read once for each reading of the facts about a process: it changes as rarely as they do. */
const known = new WeakMap<InitProcess, number | undefined>();

/** The soft limit of open files of an init process; `Infinity`: unlimited, `undefined`: unknown. */
export function openFilesLimitOf(init: InitProcess): number | undefined {
  if (known.has(init)) return known.get(init);
  const text = init.files.text('limits');
  const limit =
    text === undefined ? undefined : unlessMalformed('limits', () => parseProcLimits(text).get('Max open files')?.soft);
  if (limit === UNREADABLE) return undefined;
  known.set(init, limit);
  return limit;
}
