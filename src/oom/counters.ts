import { readFileSync } from 'node:fs';
import { absentAsUndefined, toError } from '../kernel/errno.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Hierarchy } from '../kernel/cgroup-layout.ts';
import type { CounterScope } from './container-record.ts';
import type { MemoryPlaces } from './memory-places.ts';
import { childDirectories } from '../kernel/child-directories.ts';

const parseOomKill = flatKeyedParser(['oom_kill']);

/** A container that is a whole system has some dozens of cgroups inside; one with more makes them by itself. */
const MOST_CGROUPS = 512;

/** Kills by cgroup; `undefined` if the container is gone or nothing counts them; or why they could not be read. */
export type Reading = ReadonlyMap<string, number> | Error | undefined;

/** Whether a cgroup of the container is gone if it is not in a reading. */
export function isComplete(reading: ReadonlyMap<string, number>): boolean {
  return reading.size < MOST_CGROUPS;
}

type ListChildren = (path: string) => readonly string[];

/** Whether a cgroup inside a container is another container's. */
type IsOther = (path: string) => boolean;

/** What a kernel counts OOM kills by. */
export interface Counters {
  readonly scope: CounterScope;
  /**
   * The kills in a container, since its cgroups were made. Paths are those of the hierarchy of discovery.
   */
  read(path: string, isOther: IsOther): Reading;
  /** The cgroups directly in one, or why it could not be looked into. */
  childrenOf(path: string): readonly string[] | Error;
}

/**
 * The counters of this host: `oom_kill` of `memory.events`, which also counts what happens in the cgroups below (v2), or
 * of `memory.oom_control`, which does not (v1, since Linux 4.13). They are read seldom, so their files are not kept open.
 */
export function findCounters(kernel: KernelFiles, places: Pick<MemoryPlaces, 'memoryPathOf'>): Counters | undefined {
  const hierarchy = kernel.layout.hierarchyOf('memory');
  if (hierarchy === undefined) return undefined;
  const childrenIn: ListChildren = (path) =>
    childrenOf(hierarchy.root, path).filter((child) => kernel.layout.mountPoints?.has(hierarchy.root, child) !== true);
  const children = (path: string): readonly string[] | Error => orError(() => childrenIn(path));
  const kills = (path: string, isOther: IsOther): Reading =>
    orError(() => readEach(hierarchy, { path, at: places.memoryPathOf(path), isOther, childrenIn }));
  return hierarchy.version === 2
    ? { scope: 'below', childrenOf: children, read: (path) => orError(() => readBelow(hierarchy, path)) }
    : { scope: 'own', childrenOf: children, read: kills };
}

/** The host's total: `oom_kill` of `/proc/vmstat`, since boot; `undefined` before Linux 4.13. */
export function readHostKills(kernel: KernelFiles): number | undefined {
  const bytes = kernel.procBytes('vmstat');
  return bytes === undefined ? undefined : parseOomKill(bytes).oom_kill;
}

function readBelow({ root }: Hierarchy, path: string): ReadonlyMap<string, number> | undefined {
  const kills = killsIn(`${root}${path}/memory.events`);
  return kills === undefined ? undefined : new Map([[path, kills]]);
}

/** Reads the counters of a container whose own cgroup is `at` in the hierarchy of memory. */
function readEach(
  { root }: Hierarchy,
  container: {
    readonly path: string;
    readonly at: string;
    readonly isOther: IsOther;
    readonly childrenIn: ListChildren;
  },
): ReadonlyMap<string, number> | undefined {
  const { path, at, isOther, childrenIn } = container;
  const found = new Map<string, number>();
  const left = [at];
  const nameOf = (place: string): string => path + place.slice(at.length);
  for (let next = left.pop(); next !== undefined && found.size < MOST_CGROUPS; next = left.pop()) {
    const kills = killsIn(`${root}${next}/memory.oom_control`);
    if (kills === undefined) continue;
    found.set(nameOf(next), kills);
    left.push(...childrenIn(next).filter((child) => !isOther(nameOf(child))));
  }
  return found.size === 0 ? undefined : found;
}

function killsIn(file: string): number | undefined {
  const bytes = absentAsUndefined(() => readFileSync(file));
  return bytes === undefined ? undefined : parseOomKill(bytes).oom_kill;
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
