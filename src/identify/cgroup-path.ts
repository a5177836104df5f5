import type { CgroupMatch } from '../container.ts';
import {
  BARE_ID,
  CANDIDATE_PATTERNS,
  CGROUP_PATTERNS,
  ECS_TASK_PATH,
  ECS_TASK_SLICE,
  NOT_CONTAINERS,
  POD,
  PODMAN_POD_SLICE,
  USER_SLICE,
} from './cgroup-patterns.ts';
import type { CandidatePattern, CgroupPattern } from './cgroup-patterns.ts';
import { decodeHexEscapes } from '../kernel/hex-escapes.ts';

/** What a path says about the container that a cgroup is or belongs to. */
export interface CgroupIdentity extends CgroupMatch {
  /** The container's own cgroup: the whole path, or the prefix above the container's inner cgroups. */
  readonly cgroup: string;
  /** The container around this one: Docker in Docker, or a node of kind. */
  readonly outer?: CgroupIdentity;
  /** It may be a container: the witness decides, see `settle`. */
  readonly candidate?: CandidatePattern['confirmedBy'];
  /** The Amazon ECS task. */
  readonly ecsTask?: string;
}

/**
 * Finds the container that a cgroup belongs to, from the cgroup's path. With nested containers it is the innermost one. Cgroups
 * below the container's own (`/container`, `/init.scope`, `/payload`) belong to it. Paths as seen from another cgroup
 * namespace (`/../<id>`) work too.
 *
 * The path is that of a directory. Callers must remove the suffix ` (deleted)` that `/proc/<pid>/cgroup` adds for a removed
 * cgroup, because a directory can have that name.
 *
 * A container can appear nested in itself: a runtime that treats a host path as one inside a container creates
 * `/kubepods/pod<uid>/<id>/kubepods/pod<uid>/<id>`. This is one container, and the outer cgroup is its own.
 *
 * A container with write access to its cgroup can create names that look like nested containers. Their `outer` is then the
 * container itself.
 */
export function identifyCgroup(path: string): CgroupIdentity | undefined {
  if (path.length > LONGEST_KNOWN) return identify(path);
  if (known.has(path)) return known.get(path);
  const found = identify(path);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(path, found);
  return found;
}

/** Each walk asks for the same paths. */
const known = new Map<string, CgroupIdentity | undefined>();

/** A container can make any number of cgroups, with paths of 4 kB. These take 2 MB at most. */
const MOST_KNOWN = 4096;
const LONGEST_KNOWN = 512;

function identify(path: string): CgroupIdentity | undefined {
  const place: PathPosition = { path, name: '', parent: '', start: 0, end: 0, depth: 0 };
  let facts: Facts = {};
  let found: CgroupIdentity | undefined;
  let candidate: CgroupIdentity | undefined;
  let mayBeCandidate = true;
  while (place.end < path.length) {
    enterNextName(place);
    if (place.name === '' || place.name === '..') continue;
    facts = learn(facts, place, found === undefined);
    const isNone = NOT_CONTAINERS.some((none) => fits(none, place));
    const pattern = isNone ? undefined : firstFit(CGROUP_PATTERNS, place);
    if (pattern !== undefined) {
      const podmanPod = podOfPodman(pattern, place);
      if (podmanPod !== undefined) {
        facts = { ...facts, podmanPod };
        // The pod's own cgroup is not a container around it.
        if (found?.engineGuessed === true && found.id === podmanPod) found = found.outer;
      }
      const around = found ?? (pattern.infra === true && candidate?.engine === pattern.engine ? candidate : undefined);
      const inner = identity(pattern, place, facts, around);
      if (!isNestedInItself(inner, found)) found = inner;
      // A nested container does not belong to this pod or task, but it is still in the user's slice.
      facts = facts.ownerUid === undefined ? {} : { ownerUid: facts.ownerUid };
      continue;
    }
    if (isNone) {
      mayBeCandidate = false;
      candidate = undefined;
    }
    if (found !== undefined || !mayBeCandidate) continue;
    if (candidate?.candidate === 'payload' && place.name === 'payload') {
      found = confirmed(candidate);
      continue;
    }
    const possible = firstFit(CANDIDATE_PATTERNS, place);
    if (possible === undefined) continue;
    candidate = { ...identity(possible, place, facts, undefined), candidate: possible.confirmedBy };
  }
  return found ?? candidate;
}

/** Ids this long are random and unique. People choose the names of LXC and nspawn containers. */
const RANDOM_ID_LENGTH = 32;

function isNestedInItself({ engine, id, infra }: CgroupIdentity, around: CgroupIdentity | undefined): boolean {
  if (infra) return false;
  for (let outer = around; outer !== undefined; outer = outer.outer) {
    if (outer.id === id && (outer.engine === engine || id.length >= RANDOM_ID_LENGTH)) return true;
  }
  return false;
}

/** The same container, confirmed by its witness. */
export function confirmed(identity: CgroupIdentity): CgroupIdentity {
  const { candidate: _, ...rest } = identity;
  return rest;
}

/** The position in the path. Each path has one such object, which advances from name to name. */
interface PathPosition {
  readonly path: string;
  name: string;
  parent: string;
  start: number;
  end: number;
  depth: number;
}

/** Facts from the names above a container. */
type Facts = Pick<CgroupIdentity, 'podUid' | 'podmanPod' | 'ownerUid' | 'ecsTask'>;

function enterNextName(place: PathPosition): void {
  const start = place.path.startsWith('/', place.end) ? place.end + 1 : place.end;
  const slash = place.path.indexOf('/', start);
  place.start = start;
  place.end = slash === -1 ? place.path.length : slash;
  // A path from another namespace begins with an empty name or `..`. Neither counts as a level.
  if (place.name !== '..' && place.name !== '') place.parent = place.name;
  place.name = place.path.slice(start, place.end);
  if (place.name !== '..' && place.name !== '') place.depth += 1;
}

function learn(facts: Facts, place: PathPosition, outermost: boolean): Facts {
  const { name } = place;
  const pod = POD.exec(name);
  if (pod !== null) return { ...facts, podUid: (pod[1] ?? pod[2] ?? '').replaceAll('_', '-') };
  const podmanPod = PODMAN_POD_SLICE.exec(name)?.[1];
  if (podmanPod !== undefined) return { ...facts, podmanPod };
  const user = outermost ? USER_SLICE.exec(name)?.[1] : undefined;
  if (user !== undefined) return { ...facts, ownerUid: Number(user) };
  const isTask = /^[0-9a-f-]{32,36}$/.test(name);
  const task = ECS_TASK_SLICE.exec(name)?.[1] ?? (isTask ? ECS_TASK_PATH.exec(upTo(place))?.[1] : undefined);
  return task === undefined ? facts : { ...facts, ecsTask: task };
}

/** The pod whose cgroup is directly above: /libpod_parent/<pod id>/libpod-<id>. */
function podOfPodman({ engine }: CgroupPattern, { parent }: PathPosition): string | undefined {
  return engine === 'podman' && BARE_ID.test(parent) ? parent : undefined;
}

function upTo(place: PathPosition): string {
  return place.path.slice(0, place.end);
}

function firstFit<Pattern extends CgroupPattern>(
  patterns: readonly Pattern[],
  place: PathPosition,
): Pattern | undefined {
  for (const pattern of patterns) {
    if (fits(pattern, place)) return pattern;
  }
  return undefined;
}

function fits(pattern: Pick<CgroupPattern, 'name' | 'parent' | 'above' | 'depth'>, place: PathPosition): boolean {
  const { parent } = pattern;
  if (typeof parent === 'string' ? parent !== place.parent : parent !== undefined && !parent.test(place.parent)) {
    return false;
  }
  if (pattern.depth !== undefined && pattern.depth !== place.depth) return false;
  if (!pattern.name.test(place.name)) return false;
  return pattern.above === undefined || pattern.above.test(place.path.slice(0, Math.max(0, place.start - 1)));
}

function identity(
  pattern: CgroupPattern,
  place: PathPosition,
  facts: Facts,
  around: CgroupIdentity | undefined,
): CgroupIdentity {
  const { engine } = pattern;
  // An engine's own cgroup inside the container's (nspawn's supervisor) is not a nested container.
  const isPartOf = pattern.infra === true && around?.engine === engine;
  const outer = isPartOf ? around.outer : around;
  const ofParent = pattern.parent instanceof RegExp ? pattern.parent.exec(place.parent)?.[1] : undefined;
  const id = pattern.name.exec(place.name)?.[1] ?? (pattern.infra ? undefined : ofParent);
  return {
    engine,
    id: id === undefined ? (isPartOf ? around.id : place.name) : pattern.escaped ? decodeHexEscapes(id) : id,
    cgroup: upTo(place),
    infra: pattern.infra ?? false,
    ...facts,
    ...(pattern.engineGuessed && { engineGuessed: true }),
    ...(outer && { outer }),
  };
}
