import type { CgroupScope, Container } from '../container.ts';
import type { CgroupLevels } from '../kernel/ancestor-files.ts';
import type { CgroupFiles, Controller } from '../kernel/cgroup-files.ts';
import type { Scrape } from './collector.ts';

/** A cgroup whose limits apply to a container, and its owner. */
export interface LimitLevel {
  readonly scope: CgroupScope;
  /** The path in the hierarchy of the controller; `''` is the root. */
  readonly path: string;
  readonly files: CgroupFiles;
}

/** All cgroups whose limits apply to a container in the hierarchy of one controller. */
export interface LimitLevels {
  /** The cgroups inside the container's own, starting with that of the init process. Most containers have none. */
  readonly inside: readonly LimitLevel[];
  /** The inner cgroup that the runtime created for the whole container: crun's `container`, nspawn's `payload`. */
  readonly runtime: LimitLevel | undefined;
  /** The container's own cgroup; `undefined` if its init process is not in it. */
  readonly own: LimitLevel | undefined;
  /** The cgroups above, the root last. All containers of a parent share the same array, as long as it exists. */
  readonly above: readonly LimitLevel[];
}

const NONE: readonly LimitLevel[] = [];

/**
 * Finds the cgroups whose limits apply to a container. Distinguishes those that belong to it or to its pod from those
 * that it shares with others. `undefined` if the host does not have the controller, or the container's place is
 * unknown.
 */
export function limitLevelsOf(container: Container, controller: Controller, scrape: Scrape): LimitLevels | undefined {
  const found = scrape.levels(container, controller);
  if (found === undefined) return undefined;
  const path = container.files.pathIn(controller);
  let known = knownLevels.get(found);
  if (known === undefined || known.path !== path) {
    known = { path, levels: withScopes(container, found, path, scrape) };
    knownLevels.set(found, known);
  }
  return known.levels;
}

/** Most containers have the same levels in each scrape, and in each hierarchy. */
const knownLevels = new WeakMap<CgroupLevels, { readonly path: string | undefined; readonly levels: LimitLevels }>();

function withScopes({ files }: Container, found: CgroupLevels, path: string | undefined, scrape: Scrape): LimitLevels {
  if (path === undefined || found.inside.length === 0) {
    return { inside: NONE, runtime: undefined, own: undefined, above: scoped(found.above, []) };
  }
  const inside = found.inside.length === 1 ? NONE : found.inside.slice(0, -1).map((each) => levelOf(each, 'container'));
  const outermost = inside.at(-1);
  const runtime = outermost !== undefined && scrape.isRuntimeCgroup(outermost.path) ? outermost : undefined;
  const above = scoped(found.above, privateParents(files, path, scrape));
  return { inside, runtime, own: ownLevel(files, path), above };
}

function levelOf(files: CgroupFiles, scope: CgroupScope): LimitLevel {
  return { scope, path: files.path, files };
}

const ownLevels = new WeakMap<CgroupFiles, LimitLevel>();

function ownLevel(files: CgroupFiles, path: string): LimitLevel {
  let level = ownLevels.get(files);
  if (level?.path !== path) {
    level = { scope: 'container', path, files };
    ownLevels.set(files, level);
  }
  return level;
}

const parents = new WeakMap<CgroupFiles, { readonly path: string; readonly scopes: readonly CgroupScope[] }>();

function privateParents(files: CgroupFiles, path: string, scrape: Scrape): readonly CgroupScope[] {
  let known = parents.get(files);
  if (known?.path !== path) {
    known = { path, scopes: scrape.privateParents(path) };
    parents.set(files, known);
  }
  return known.scopes;
}

/**
 * The children of one parent have the same cgroups above them. Only the scopes can differ, for example for
 * `libpod-payload-…` in a unit.
 */
const scopedChains = new WeakMap<readonly CgroupFiles[], Map<string, readonly LimitLevel[]>>();

function scoped(chain: readonly CgroupFiles[], scopes: readonly CgroupScope[]): readonly LimitLevel[] {
  const key = scopes.join();
  let known = scopedChains.get(chain);
  if (known === undefined) {
    known = new Map();
    scopedChains.set(chain, known);
  }
  const levels = known.get(key) ?? chain.map((files, index) => levelOf(files, scopes[index] ?? 'shared'));
  known.set(key, levels);
  return levels;
}
