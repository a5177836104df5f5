import type { InitProcess, Namespaces } from '../container.ts';
import { PENDING } from '../kernel/command-lines.ts';
import { isDenied } from '../kernel/errno.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import { inodeOfLink, NAMESPACE_KINDS, type NamespaceKind } from '../kernel/host-namespaces.ts';
import { parseBootTime, parseStartTime } from '../kernel/proc-stat.ts';
import { parseProcStatus, type ProcStatus } from '../kernel/proc-status.ts';
import { isMember } from '../kernel/membership.ts';
import { isRuntimeAtWork } from '../kernel/runtime-at-work.ts';
import { identifyCgroup } from './cgroup-path.ts';
import { isConfined } from './confined.ts';
import { type IsSurplus, pidsOfContainer } from './container-pids.ts';
import { chooseInit, type Process, roleOf, type Root } from './init-choice.ts';

/** How many processes are inspected. Each is followed up to its oldest ancestor, so far fewer are enough. */
const MOST_PROCESSES = 256;

/** `/proc/stat` is long on a large host, and the boot time only changes when the clock is set, by a step or little by little. */
const BOOT_TIME_FOR_MS = 60_000;
const CLOCK_STEP_MS = 1_000;

type Inspected = Process & Pick<ProcStatus, 'seccomp' | 'seccompFilters' | 'bounding'>;

/** When the boot time was read, by the clock that somebody can set and by the one that nobody can, in ms. */
interface BootTime {
  readonly seconds: number;
  readonly wall: number;
  readonly steady: number;
}

const bootTimes = new WeakMap<KernelFiles, BootTime>();

/**
 * Finds the init process of a container and reads the facts about it that rarely change. Its files stay open until closed.
 *
 * @param pids the processes of the container, if they have just been listed.
 * @returns `undefined` if the cgroup has no visible process, or only a runtime that is about to become the init, or if a command
 *   line that decides it is not known yet.
 * @throws the system error if a missing privilege prevents listing or inspecting processes.
 */
export function findInit(
  kernel: KernelFiles,
  cgroup: CgroupFiles,
  pids = pidsOfContainer(kernel, cgroup),
  isSurplus?: IsSurplus,
): InitProcess | undefined {
  if (pids.length === 0) return undefined;
  // A process may end during the inspection, and another may then be the init: try again.
  const list = (): readonly number[] => pidsOfContainer(kernel, cgroup, isSurplus);
  return attempt(kernel, cgroup, pids, list) ?? attempt(kernel, cgroup, list(), list);
}

function attempt(
  kernel: KernelFiles,
  cgroup: CgroupFiles,
  pids: readonly number[],
  list: () => readonly number[],
): InitProcess | undefined {
  if (pids.length === 0) return undefined;
  const chosen = choose(kernel, pids, cgroup.path);
  const files = chosen === undefined || chosen === PENDING ? undefined : kernel.process(chosen.pid);
  if (chosen === undefined || chosen === PENDING || files === undefined) return undefined;
  try {
    // The process is still the runtime, so the container's facts stay unknown until the next scrape.
    if (isRuntimeAtWork(files, kernel, cgroup.path)) {
      files.close();
      return undefined;
    }
    let namespaces = readNamespaces(files);
    // The kernel shows few of a process whose first thread has ended.
    if (lacksMounts(namespaces) && files.useOtherThread()) namespaces = readNamespaces(files);
    // It was the same living process during the whole inspection, and in the container.
    const stat = kernel.proc(`${chosen.pid}/stat`);
    if (stat !== undefined && parseStartTime(stat) === chosen.start && isMember(kernel, cgroup, files, list)) {
      const startTime = bootTime(kernel) + chosen.start;
      return { pid: chosen.pid, startTime, startedAfterBoot: chosen.start, files, ...namespaces };
    }
  } catch (error) {
    files.close();
    throw error;
  }
  files.close();
  return undefined;
}

/**
 * Inspects all processes, up to a number. One alone never proves to be the init: in a container with the host's pids, any process
 * can make a pid namespace, leave its first process without a parent, and have pids wrap until that one comes first.
 */
function choose(kernel: KernelFiles, pids: readonly number[], cgroup: string): Root | typeof PENDING | undefined {
  const members = new Set(pids);
  const inner: Inspected[] = [];
  const outer: Inspected[] = [];
  const roots: Root[] = [];
  /** Roots whose command line is not known yet. All are asked for at once. */
  const pending: Root[] = [];
  const add = (found: Inspected): void => {
    const root = rootOf(kernel, found, cgroup);
    if (root === undefined) return;
    if (root.role === PENDING) pending.push({ ...root, role: undefined });
    else roots.push({ ...root, role: root.role });
  };
  for (const found of processesUpwards(kernel, pids)) {
    (members.has(found.ppid) ? inner : outer).push(found);
  }
  const [only] = outer;
  if (only !== undefined && outer.length === 1 && !mayBeParent(only, inner)) return withStart(kernel, only);
  for (const found of outer) add(found);
  // The children of an engine's own process count as having a parent outside.
  const parents = new Set(roots.filter(({ role }) => role === 'parent').map(({ pid }) => pid));
  for (const found of inner) if (parents.has(found.ppid)) add(found);
  const chosen = chooseInit(roots);
  if (pending.length === 0) return chosen;
  // Only a process in the host's pid namespace can be an engine's own. Others, such as those of `docker exec`, matter only if
  // one of them may be the init.
  const matters =
    pending.some(({ nspid }) => nspid.length === 1) || chooseInit([...roots, ...pending])?.pid !== chosen?.pid;
  return matters ? PENDING : chosen;
}

/** Whether a process may be the engine's own, with the init among its children. A parent is in the host's pid namespace. */
function mayBeParent({ pid, nspid }: Inspected, inner: readonly Inspected[]): boolean {
  return nspid.length === 1 && inner.some(({ ppid }) => ppid === pid);
}

/** The only process with a parent outside is the init whatever it is called, so its command line is not needed. */
function withStart(kernel: KernelFiles, { pid, ppid, nspid }: Inspected): Root | undefined {
  const stat = kernel.proc(`${pid}/stat`);
  return stat === undefined ? undefined : { pid, ppid, nspid, start: parseStartTime(stat), role: undefined };
}

/** Yields each process, followed by its ancestors in the container, so that the init comes early even among many. */
function* processesUpwards(kernel: KernelFiles, pids: readonly number[]): Generator<Inspected> {
  const members = new Set(pids);
  const seen = new Set<number>();
  for (const first of pids) {
    let pid = first;
    while (!seen.has(pid) && seen.size < MOST_PROCESSES) {
      seen.add(pid);
      const found = processOf(kernel, pid);
      if (found === undefined || (found.pid !== pid && seen.has(found.pid))) break;
      seen.add(found.pid);
      yield found;
      if (!members.has(found.ppid)) break;
      pid = found.ppid;
    }
  }
}

function processOf(kernel: KernelFiles, pid: number): Inspected | undefined {
  const text = kernel.proc(`${pid}/status`);
  if (text === undefined) return undefined;
  const { tgid, ppid, nspid, seccomp, seccompFilters, bounding } = parseProcStatus(text);
  // A threaded cgroup lists threads. Use the process that each thread belongs to.
  return tgid === pid ? { pid, ppid, nspid, seccomp, seccompFilters, bounding } : processOf(kernel, tgid);
}

interface Candidate extends Omit<Root, 'role'> {
  readonly role: Root['role'] | typeof PENDING;
}

function rootOf(kernel: KernelFiles, process: Inspected, cgroup: string): Candidate | undefined {
  const { pid, ppid, nspid } = process;
  const stat = kernel.proc(`${pid}/stat`);
  if (stat === undefined) return undefined;
  const start = parseStartTime(stat);
  const words = kernel.commandLines.of({ cgroup, pid, start });
  if (words === PENDING) return { pid, ppid, nspid, start, role: PENDING };
  const role = roleOf(words ?? '', {
    nspid,
    isConfined: () => isConfined(kernel, process),
    engineOf: () => identifyCgroup(cgroup)?.engine,
  });
  return { pid, ppid, nspid, start, role };
}

/** All namespace links share one access check, so the first EACCES stands for all of them. */
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

/** Every process that runs has a mount namespace. */
function lacksMounts({ namespaces, namespacesError }: Pick<InitProcess, 'namespaces' | 'namespacesError'>): boolean {
  return namespacesError === undefined && namespaces.mnt === undefined;
}

function bootTime(kernel: KernelFiles): number {
  const [wall, steady] = [Date.now(), performance.now()];
  let known = bootTimes.get(kernel);
  if (known === undefined || steady - known.steady > BOOT_TIME_FOR_MS || isStep(known, wall, steady)) {
    known = { seconds: parseBootTime(kernel.proc('stat') ?? ''), wall, steady };
    bootTimes.set(kernel, known);
  }
  return known.seconds;
}

/** Whether the clock was set since the process was looked at, so that its start has another time now. */
export function isStartOutdated(kernel: KernelFiles, { startTime, startedAfterBoot }: InitProcess): boolean {
  return Math.abs(bootTime(kernel) + startedAfterBoot - startTime) * 1_000 > 2 * CLOCK_STEP_MS;
}

/** Whether somebody has set the clock since, or the machine has slept. */
function isStep(known: BootTime, wall: number, steady: number): boolean {
  return Math.abs(wall - known.wall - (steady - known.steady)) > CLOCK_STEP_MS;
}
