import { PENDING } from './command-lines.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { ProcessFiles } from './process-files.ts';
import { parseStartTime } from './proc-stat.ts';

/** The process names of runtimes while they start a process in a container. */
const RUNTIME = /(?:^|\/)(?:runc|crun|youki|lxc-attach|lxc-start)$/;

/** A runtime needs milliseconds. More time would only help a process that pretends to be one. */
const AT_WORK_FOR_S = 5;

/**
 * The maximum age of a known command line, in ms. A runtime turns into the container's program by execve, so an older
 * one proves nothing.
 */
const YOUNG_MS = 500;

/**
 * How long a container may appear to have a runtime in it, in ms. A real runtime is seen in one scrape, seldom in two.
 */
const BELIEVED_FOR_MS = 20_000;

/** After this time without a runtime in it, a container is trusted again, in ms. */
const FORGOTTEN_AFTER_MS = 60_000;

/** The maximum number of remembered containers. */
const MOST_REMEMBERED = 4096;

/**
 * Whether a process is a runtime that is entering the container, as for `docker exec`. It is already in the container's
 * cgroup but for a moment still has its own privileges and namespaces. Its name is only a claim, so it is trusted only
 * for a moment. A process whose command line is not yet known may be a runtime.
 *
 * @param cgroup the path of the container's cgroup.
 */
export function isRuntimeAtWork(files: ProcessFiles, kernel: KernelFiles, cgroup: string): boolean {
  const stat = files.text('stat');
  if (stat === undefined) return false;
  const start = parseStartTime(stat);
  if (!(uptimeOf(kernel) - start < AT_WORK_FOR_S)) return false;
  const words = kernel.commandLines.of({ cgroup, pid: files.pid, start }, YOUNG_MS);
  const claims = words === PENDING || RUNTIME.test(words?.split('\0', 1)[0] ?? '');
  return claims && isBelieved(cgroup, performance.now());
}

/** How long an uptime is used, in ms. Many processes are asked about at a time. */
const UPTIME_FOR_MS = 500;

const uptimes = new WeakMap<KernelFiles, { readonly seconds: number; readonly at: number }>();

/** Seconds since boot, as in `/proc/<pid>/stat`; NaN if unknown. */
function uptimeOf(kernel: KernelFiles): number {
  const now = performance.now();
  let known = uptimes.get(kernel);
  if (known === undefined || now - known.at > UPTIME_FOR_MS) {
    known = { seconds: Number(kernel.proc('uptime')?.split(' ', 1)[0] || NaN), at: now };
    uptimes.set(kernel, known);
  }
  return known.seconds + (now - known.at) / 1000;
}

/** When a container last began to have a runtime in it, and when one was last seen, in ms of `performance.now()`. */
const seen = new Map<string, { readonly since: number; readonly last: number }>();

/**
 * Whether to trust the claim. Without this limit, a container could always run a young process with a runtime's name,
 * and so avoid assessment.
 */
function isBelieved(cgroup: string, now: number): boolean {
  const before = seen.get(cgroup);
  const since = before === undefined || now - before.last > FORGOTTEN_AFTER_MS ? now : before.since;
  seen.delete(cgroup);
  seen.set(cgroup, { since, last: now });
  const [oldest] = seen.keys();
  if (seen.size > MOST_REMEMBERED && oldest !== undefined) seen.delete(oldest);
  return now - since < BELIEVED_FOR_MS;
}
