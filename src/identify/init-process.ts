import type { InitProcess, Namespaces } from '../container.ts';
import { isDenied } from '../kernel/errno.ts';
import type { CgroupFiles, KernelFiles, ProcessFiles } from '../kernel/files.ts';
import { inodeOfLink, NAMESPACE_KINDS, type NamespaceKind } from '../kernel/host-namespaces.ts';
import { parseBootTime, parseStartTime } from '../kernel/proc-stat.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';

/** More than this many are not looked at: an init is found long before, and a fork bomb is no reason to stop. */
const MOST_PROCESSES = 256;

/** One process as far as the choice goes. */
export interface Candidate {
  readonly pid: number;
  readonly ppid: number;
  readonly nspid: readonly number[];
  /** Seconds since boot. */
  readonly start: number;
}

/**
 * The process that stands for a container: the one that is pid 1 in its own pid namespace, of several the outermost. In a
 * container that shares another's pid namespace it is the oldest whose parent is outside. Never the first listed, nor the
 * lowest pid: the kernel promises no order, and pids wrap.
 */
export function chooseInit(candidates: readonly Candidate[]): Candidate | undefined {
  const inits = candidates.filter(({ nspid }) => nspid.length > 1 && nspid.at(-1) === 1);
  if (inits.length > 0) return best(inits, (a, b) => a.nspid.length - b.nspid.length || older(a, b));
  const pids = new Set(candidates.map(({ pid }) => pid));
  return best(
    candidates.filter(({ ppid }) => !pids.has(ppid)),
    older,
  );
}

/**
 * Finds the init process of a container and reads what rarely changes about it. Its files stay open until closed.
 *
 * @returns `undefined` if the cgroup has no process that this one can see.
 * @throws the system error if processes cannot be listed or looked at for want of a privilege.
 */
export function findInit(kernel: KernelFiles, cgroup: CgroupFiles): InitProcess | undefined {
  const pids = pidsOf(kernel, cgroup).slice(0, MOST_PROCESSES);
  const candidates: Candidate[] = [];
  for (const pid of pids) {
    const candidate = candidateOf(kernel, pid);
    if (candidate !== undefined) candidates.push(candidate);
  }
  const chosen = chooseInit(candidates);
  const files = chosen === undefined ? undefined : kernel.process(chosen.pid);
  if (chosen === undefined || files === undefined) return undefined;
  // Between the choice and the opening of its directory the pid may have become another process's.
  const start = startOf(files);
  if (start !== chosen.start) {
    files.close();
    return undefined;
  }
  return { pid: chosen.pid, startTime: bootTime(kernel) + start, files, ...readNamespaces(files) };
}

function pidsOf(kernel: KernelFiles, cgroup: CgroupFiles): number[] {
  const own = cgroup.processes();
  if (own.length > 0) return own;
  // Where an engine keeps processes in a cgroup inside the container's: crun's `/container`, systemd's `/init.scope`.
  return cgroup.children().flatMap((name) => {
    const child = kernel.cgroup(`${cgroup.path}/${name}`);
    const pids = pidsOf(kernel, child);
    child.close();
    return pids;
  });
}

function candidateOf(kernel: KernelFiles, pid: number): Candidate | undefined {
  const status = kernel.proc(`${pid}/status`);
  const stat = kernel.proc(`${pid}/stat`);
  if (status === undefined || stat === undefined) return undefined;
  return { pid, ...parseProcStatus(status), start: parseStartTime(stat) };
}

function startOf(files: ProcessFiles): number | undefined {
  const stat = files.text('stat');
  return stat === undefined ? undefined : parseStartTime(stat);
}

function bootTime(kernel: KernelFiles): number {
  return parseBootTime(kernel.proc('stat') ?? '');
}

function readNamespaces(files: ProcessFiles): Pick<InitProcess, 'namespaces' | 'namespacesError'> {
  const namespaces: Partial<Record<NamespaceKind, number>> = {};
  try {
    for (const kind of NAMESPACE_KINDS) {
      const link = files.link(`ns/${kind}`);
      const inode = link === undefined ? undefined : inodeOfLink(link);
      if (inode !== undefined) namespaces[kind] = inode;
    }
  } catch (error) {
    if (error instanceof Error && isDenied(error)) return { namespaces: {}, namespacesError: error };
    throw error;
  }
  return { namespaces: namespaces satisfies Namespaces, namespacesError: undefined };
}

function best(
  candidates: readonly Candidate[],
  compare: (a: Candidate, b: Candidate) => number,
): Candidate | undefined {
  return candidates.toSorted(compare)[0];
}

function older(a: Candidate, b: Candidate): number {
  return a.start - b.start || a.pid - b.pid;
}
