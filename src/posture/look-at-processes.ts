import { toError } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { isInside, isListed } from '../kernel/membership.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import { isRuntimeAtWork } from '../kernel/runtime-at-work.ts';
import type { ProcessPosture } from './posture.ts';
import type { Target } from './posture-reading.ts';
import { readProcess, readStatus, type Surroundings } from './process.ts';

/** How many processes of a container are inspected at once. One takes some 50 µs, and a container can have any number. */
export const AT_ONCE = 256;

/** How many processes of a container are known at most. To compare one takes some 10 µs. */
const MOST_KNOWN = 1_024;

/** What is known of the processes of a container before a look at them. */
export interface KnownProcesses {
  readonly init: ProcessPosture;
  /** As in {@link Look}. */
  readonly byPid: ReadonlyMap<number, ProcessPosture | undefined>;
  /** Whether to inspect them again. If they are too many for once, those that were inspected last keep what is known of them. */
  readonly again: boolean;
}

/** What is known of them after it. */
export interface Look {
  /** The posture of each process; `undefined` for one that does not count. Those that were inspected last are last. */
  readonly byPid: ReadonlyMap<number, ProcessPosture | undefined>;
  /** Whether a process is about to execute another program, and has to be inspected then. */
  readonly pending: boolean;
  /** Whether there were too many new processes for this look. */
  readonly unfinished: boolean;
  /** Whether these are all processes of the container. */
  readonly all: boolean;
}

/** Inspects the new processes of a container, and in turn those that are known. */
export function lookAtProcesses(
  kernel: KernelFiles,
  target: Target,
  parent: number,
  known: KnownProcesses,
  surroundings: Surroundings,
): Look {
  const { pids, files: cgroup, list = () => pids } = target;
  const { init } = known;
  const { news, toInspect, toKeep } = turnOf(target, known);
  const byPid = new Map<number, ProcessPosture | undefined>([[target.init.pid, init]]);
  for (const pid of toKeep) byPid.set(pid, known.byPid.get(pid));
  const unfinished = news > AT_ONCE;
  let pending = false;
  let all = !unfinished && pids.length <= MOST_KNOWN && target.isIncomplete !== true;
  const unseen: number[] = [];
  /** Those that do not say that they are in the cgroup. Any number can move away or end at this moment, so all share one list. */
  const doubtful: { readonly files: ProcessFiles; readonly found: ProcessPosture }[] = [];
  const take = (files: ProcessFiles, found: ProcessPosture | undefined): void => {
    const { pid } = files;
    if (pid === parent && found !== undefined && isOfEngine(found, init)) byPid.set(pid, undefined);
    else if (found !== undefined && isStronger(found, init) && isRuntimeAtWork(files, kernel, cgroup.path)) {
      pending = true;
    } else byPid.set(pid, found);
  };
  // It lives, but could not be read.
  const fail = (error: unknown): void => {
    all = false;
    surroundings.note(toError(error));
  };
  for (const pid of toInspect) {
    const files = kernel.process(pid);
    if (files === undefined) {
      unseen.push(pid);
      continue;
    }
    let isDoubtful = false;
    try {
      const status = readStatus(files);
      if (status === undefined) {
        unseen.push(pid);
        continue;
      }
      const found = readProcess(files, surroundings, { status });
      isDoubtful = found !== undefined && !isInside(kernel, cgroup, files);
      if (isDoubtful && found !== undefined) doubtful.push({ files, found });
      else take(files, found);
    } catch (error) {
      fail(error);
    } finally {
      if (!isDoubtful) files.close();
    }
  }
  try {
    if (doubtful.length > 0 || (all && unseen.length > 0)) {
      const listed = new Set(list());
      for (const { files, found } of doubtful) if (isListed(files, listed)) take(files, found);
      // A process that is still listed has not ended: procfs hides it (hidepid).
      all &&= !unseen.some((pid) => listed.has(pid));
    }
  } catch (error) {
    fail(error);
  } finally {
    for (const { files } of doubtful) files.close();
  }
  return { byPid, pending, unfinished, all };
}

/** Which processes to inspect now: the new ones first, then those that were inspected longest ago. */
function turnOf(
  { pids, init }: Target,
  { byPid, again }: KnownProcesses,
): { readonly news: number; readonly toInspect: readonly number[]; readonly toKeep: readonly number[] } {
  const there = new Set(pids);
  const old = [...byPid.keys()].filter((pid) => pid !== init.pid && there.has(pid));
  const news = pids.filter((pid) => pid !== init.pid && !byPid.has(pid)).slice(0, MOST_KNOWN - old.length);
  const oldAtOnce = again ? Math.max(0, AT_ONCE - news.length) : 0;
  return {
    news: news.length,
    toInspect: [...news.slice(0, AT_ONCE), ...old.slice(0, oldAtOnce)],
    toKeep: old.slice(oldAtOnce),
  };
}

/**
 * Whether the parent of the init existed before the container and belongs to the engine, such as nspawn, LXC and
 * conmon, which may be in its cgroup. Such a parent is in the host's pid namespace. If the init is in that namespace
 * too, this proves nothing. The parent must then also have the host's mounts, or belong to a rootless engine.
 */
function isOfEngine({ hostPid, hostMnt, users }: ProcessPosture, init: ProcessPosture): boolean {
  if (!hostPid) return false;
  return !init.hostPid || hostMnt !== false || users?.isHost === false;
}

/** Whether a process is so unusual that it matters whether it is only a runtime entering the container. */
function isStronger(process: ProcessPosture, init: ProcessPosture): boolean {
  return (
    process.escaped === true ||
    (process.holdsRoot && !init.holdsRoot) ||
    (process.permitted & ~init.permitted) !== 0n ||
    (process.seccomp === 'disabled' && init.seccomp !== 'disabled')
  );
}
