import { statSync } from 'node:fs';
import type { CgroupLayout, Hierarchy } from './cgroup-layout.ts';
import { isAtOrBelow } from './paths.ts';
import { parseProcessCgroups, type ProcessCgroups } from './process-cgroups.ts';

/** The location of a container in one hierarchy. Paths are below the root of the hierarchy, which is `''`. */
export interface Place {
  /** The container's own cgroup; `undefined` if it has none in this hierarchy, or it cannot be found. */
  readonly own: string | undefined;
  /** The cgroup that holds its init process: `own`, one inside it, or any other. `undefined` if unknown. */
  readonly init: string | undefined;
}

/** Hierarchies in which a container, and its init, are not at the path that discovery found. */
export type Places = ReadonlyMap<Hierarchy, Place>;

/** The container and its init are at the same path in every hierarchy. */
export const SAME_PATH: Places = new Map();

const NOWHERE: Place = { own: undefined, init: undefined };

/**
 * Finds the cgroups of a container in all hierarchies. On cgroup v1, an engine creates a container's cgroups below its
 * own cgroup in each hierarchy. The paths therefore differ if a supervisor has moved the engine in only one hierarchy.
 *
 * @param container.path the container's cgroup in the hierarchy of discovery.
 * @param container.initPath the cgroup there that holds its init; `undefined` without a visible init.
 * @param membership reads `/proc/<pid>/cgroup` of the init. It is not called if there is only one hierarchy.
 * @throws the system error for anything but absence.
 */
export function findPlaces(
  layout: CgroupLayout,
  container: { readonly path: string; readonly initPath: string | undefined },
  membership: () => string | undefined,
): Places {
  const { path, initPath = path } = container;
  const others = layout.hierarchies.filter((hierarchy) => hierarchy !== layout.discovery);
  const text = others.length === 0 ? undefined : membership();
  const cgroups = text === undefined ? undefined : parseProcessCgroups(text);
  const places = new Map<Hierarchy, Place>();
  if (initPath !== path) places.set(layout.discovery, { own: path, init: initPath });
  for (const hierarchy of others) {
    const init = cgroups === undefined ? undefined : pathIn(hierarchy, cgroups);
    const own = (init === undefined ? undefined : ownPath(init, path)) ?? pathIfThere(hierarchy, path);
    if (own === path && (init ?? own) === path) continue;
    places.set(hierarchy, own === undefined && init === undefined ? NOWHERE : { own, init: init ?? own });
  }
  return places.size === 0 ? SAME_PATH : places;
}

/**
 * The path of a process's cgroup below the root of a hierarchy; `undefined` if the cgroup is outside the mounted part.
 */
export function pathIn(hierarchy: Hierarchy, cgroups: ProcessCgroups): string | undefined {
  const key = hierarchy.version === 2 ? '' : hierarchy.controllers.find((name) => cgroups.has(name));
  const path = key === undefined ? undefined : cgroups.get(key);
  return path === undefined ? undefined : pathBelowMount(hierarchy, path);
}

/**
 * Converts a path from the kernel (`/proc/<pid>/cgroup`, the kernel log) into one below the root of the mounted
 * hierarchy, which may not be the kernel's root: in a node of kind it is the node's own cgroup. `undefined` if the path
 * is not below the mounted hierarchy.
 */
export function pathBelowMount({ mountRoot }: Pick<Hierarchy, 'mountRoot'>, path: string): string | undefined {
  const top = mountRoot === '/' ? '' : mountRoot;
  if (path !== top && !path.startsWith(`${top}/`)) return undefined;
  const below = path.slice(top.length);
  if (below === '/..' || below.startsWith('/../')) return undefined;
  return below === '/' ? '' : below;
}

/**
 * The container's own cgroup on the path of its init in another hierarchy. It has the same name there, below any parent. The
 * outermost match wins: the container can create cgroups with any name inside its own.
 */
export function ownPath(init: string, path: string): string | undefined {
  if (isAtOrBelow(init, path)) return path;
  const tail = tailOf(path);
  const start = `${init}/`.indexOf(`${tail}/`);
  return start < 0 ? undefined : init.slice(0, start + tail.length);
}

/** The last name of a path with its slash, and parents of the same name, as in `/default/default`. */
function tailOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/'));
  let start = path.length - name.length;
  while (start >= name.length && path.slice(start - name.length, start) === name) start -= name.length;
  return path.slice(start);
}

function pathIfThere({ root }: Hierarchy, path: string): string | undefined {
  return statSync(root + path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}
