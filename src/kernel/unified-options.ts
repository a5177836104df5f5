import type { KernelFiles } from './kernel-files.ts';

/** How long the options are cached. */
const KNOWN_FOR_MS = 60_000;

const known = new WeakMap<KernelFiles, { readonly options: ReadonlySet<string>; readonly until: number }>();

/**
 * The options that cgroup2 is mounted with, such as `nsdelegate` and `pids_localevents`. They apply to all cgroup2
 * mounts. Any later mount in the host's cgroup namespace can change them, so they are read again once a minute.
 */
export function unifiedOptions(kernel: KernelFiles): ReadonlySet<string> {
  const now = performance.now();
  const before = known.get(kernel);
  if (before !== undefined && now < before.until) return before.options;
  const options =
    parseUnifiedOptions(kernel.proc('self/mountinfo') ?? '') ?? parseUnifiedOptions(kernel.proc('1/mountinfo') ?? '');
  const found = { options: options ?? new Set<string>(), until: now + KNOWN_FOR_MS };
  known.set(kernel, found);
  return found.options;
}

/**
 * Finds the options of cgroup2 in `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)), where they end the line of any mount:
 *
 *     41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,pids_localevents
 *
 * @returns `undefined` if it is not mounted there.
 */
export function parseUnifiedOptions(mountinfo: string): ReadonlySet<string> | undefined {
  const [, options] = / - cgroup2 \S* (\S+)$/m.exec(mountinfo) ?? [];
  return options === undefined ? undefined : new Set(options.split(','));
}
