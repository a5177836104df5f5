import { toError } from '../kernel/errno.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { parentOf } from '../kernel/paths.ts';
import { readText } from '../kernel/read-text.ts';
import { parseCgroupProcs } from '../kernel/cgroup-procs.ts';
import type { CounterScope } from './container-record.ts';
import type { GroupKills } from './event-count.ts';
import type { MemoryPlaces } from './memory-places.ts';
import { childDirectories } from '../kernel/child-directories.ts';

const parseCounts = flatKeyedParser(['oom_kill', 'oom_group_kill']);

/** A container that runs a whole system has some dozens of cgroups inside. Only a container that creates them itself has more. */
const MAX_CGROUPS = 512;

/** How many cgroups of a container are searched for processes. */
const MAX_LISTED = 16;

/** The counters of a container. */
export interface CounterReading {
  /** Processes killed since the cgroup was made, by cgroup: `oom_kill`. */
  readonly kills: ReadonlyMap<string, number>;
  /** Groups of processes killed together: `oom_group_kill`; `undefined` on v1, and on v2 before Linux 5.17. */
  readonly groups: number | undefined;
}

/**
 * The counters of a container's memory cgroup, or why they could not be read. `uncounted`: the kernel does not count
 * kills by cgroup (before Linux 4.13). `undefined`: there is no such cgroup, because the container is gone or has no
 * memory controller.
 */
export type Reading = CounterReading | 'uncounted' | Error | undefined;

/** Whether a cgroup of the container is gone if a reading lacks it. */
export function isComplete({ kills }: CounterReading): boolean {
  return kills.size < MAX_CGROUPS;
}

type ListChildren = (path: string) => readonly string[];

/** Whether a cgroup inside a container belongs to another container. */
type IsOther = (path: string) => boolean;

/** The kernel's counters of OOM kills. Paths are those of the hierarchy of discovery. */
export interface Counters {
  readonly scope: CounterScope;
  /** Reads the counters of a container. */
  read(path: string, isOther: IsOther): Reading;
  /** Which cgroup makes the kernel kill all processes of a cgroup together; `undefined` on v1, which has no groups. */
  groupSetting(path: string): GroupKills['set'] | undefined;
  /** The cgroups directly in a cgroup, or why they cannot be listed. */
  childrenOf(path: string): readonly string[] | Error;
  /**
   * The processes in a container and in the cgroups inside it, by cgroup.
   *
   * @throws the system error for anything but absence.
   */
  processesOf(path: string, isOther: IsOther): ReadonlyMap<string, readonly number[]>;
}

/**
 * The counters of this host: `memory.events`, which also counts what happens in the cgroups below (v2), or
 * `memory.oom_control`, which does not (v1, since Linux 4.13). They are read seldom, so their files are not kept open.
 */
export function findCounters(kernel: KernelFiles, places: Pick<MemoryPlaces, 'memoryPathOf'>): Counters | undefined {
  const hierarchy = kernel.layout.hierarchyOf('memory');
  if (hierarchy === undefined) return undefined;
  const { root, version } = hierarchy;
  const childrenIn: ListChildren = (path) =>
    childrenOf(root, path).filter((child) => kernel.layout.mountPoints?.has(root, child) !== true);
  const partsOf = (path: string, isOther: IsOther): Iterable<Part> =>
    partsOfContainer({ path, at: places.memoryPathOf(path), isOther, childrenIn });
  return {
    scope: version === 2 ? 'below' : 'own',
    read: (path, isOther) =>
      orError(() => (version === 2 ? readBelow(root, path) : readEach(root, partsOf(path, isOther)))),
    groupSetting: (path) => (version === 2 ? groupSetting(root, path) : undefined),
    childrenOf: (path) => orError(() => childrenIn(path)),
    processesOf: (path, isOther) => processesIn(root, partsOf(path, isOther)),
  };
}

function readBelow(root: string, path: string): Reading {
  const counts = countsIn(`${root}${path}/memory.events`);
  if (counts === undefined) return undefined;
  if (counts.oom_kill === undefined) return 'uncounted';
  return { kills: new Map([[path, counts.oom_kill]]), groups: counts.oom_group_kill };
}

/** The container's cgroup, or one inside it. */
interface Part {
  /** Its path in the hierarchy of discovery. */
  readonly name: string;
  /** Its path in the memory hierarchy. */
  readonly at: string;
}

/** The cgroups of a container, from the outside in. Its own cgroup is `at` in the memory hierarchy. */
function* partsOfContainer(container: {
  readonly path: string;
  readonly at: string;
  readonly isOther: IsOther;
  readonly childrenIn: ListChildren;
}): Generator<Part> {
  const { path, at, isOther, childrenIn } = container;
  const nameOf = (place: string): string => path + place.slice(at.length);
  const left = [at];
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    yield { name: nameOf(next), at: next };
    const children = next === at ? childrenIn(next) : (unlessInside(() => childrenIn(next)) ?? []);
    left.push(...children.filter((child) => !isOther(nameOf(child))));
  }
}

function readEach(root: string, parts: Iterable<Part>): Reading {
  const kills = new Map<string, number>();
  let isFirst = true;
  for (const { name, at } of parts) {
    const read = (): ReturnType<typeof countsIn> => countsIn(`${root}${at}/memory.oom_control`);
    const own = isFirst ? read() : unlessInside(read);
    isFirst = false;
    if (own !== undefined && own.oom_kill === undefined) return 'uncounted';
    if (own?.oom_kill !== undefined) kills.set(name, own.oom_kill);
    if (kills.size >= MAX_CGROUPS) break;
  }
  return kills.size === 0 ? undefined : { kills, groups: undefined };
}

/** A container can make cgroups inside whose paths are too long to open. Their kills are unknown, but not those of the others. */
function unlessInside<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The counts in a file; `undefined` if it is absent, or empty, which the kernel leaves no such file. */
function countsIn(file: string): ReturnType<typeof parseCounts> | undefined {
  const text = readText(file);
  return text === undefined || text === '' ? undefined : parseCounts(Buffer.from(text));
}

/** `memory.oom.group` of the cgroup and of those above it. A file that cannot be read counts as not set. */
function groupSetting(root: string, path: string): GroupKills['set'] {
  const isSet = (cgroup: string): boolean => {
    try {
      return readText(`${root}${cgroup}/memory.oom.group`)?.trim() === '1';
    } catch {
      return false;
    }
  };
  if (isSet(path)) return 'itself';
  for (let above = parentOf(path); above !== ''; above = parentOf(above)) if (isSet(above)) return 'above';
  return 'no';
}

function processesIn(root: string, parts: Iterable<Part>): ReadonlyMap<string, readonly number[]> {
  const pids = new Map<string, readonly number[]>();
  for (const { name, at } of parts) {
    const text = readText(`${root}${at}/cgroup.procs`);
    pids.set(name, text === undefined ? [] : parseCgroupProcs(Buffer.from(text)));
    if (pids.size >= MAX_LISTED) break;
  }
  return pids;
}

function childrenOf(root: string, path: string): string[] {
  return childDirectories(root + path).map((name) => `${path}/${name}`);
}

function orError<T>(read: () => T): T | Error {
  try {
    return read();
  } catch (error) {
    return toError(error);
  }
}
