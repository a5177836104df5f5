import type { CgroupMatch } from '../container.ts';
import {
  CANDIDATE_PATTERNS,
  CGROUP_PATTERNS,
  ECS_TASK_PATH,
  ECS_TASK_SLICE,
  NOT_CONTAINERS,
  POD,
  USER_SLICE,
} from './cgroup-patterns.ts';
import type { CandidatePattern, CgroupPattern } from './cgroup-patterns.ts';
import { decodeHexEscapes } from '../kernel/hex-escapes.ts';

/** What a path says of the container that a cgroup is, or is part of. */
export interface CgroupIdentity extends CgroupMatch {
  /** The container's own cgroup: the path, or the part of it that the container's inner cgroups are below. */
  readonly cgroup: string;
  /** The container that this one runs in: Docker in Docker, a node of kind. */
  readonly outer?: CgroupIdentity;
  /** Only looks like a container: the witness decides, see `settle`. */
  readonly candidate?: CandidatePattern['confirmedBy'];
  /** The engine is a guess (the id is not), see `settle`. */
  readonly engineGuessed?: true;
  /** The Amazon ECS task. */
  readonly ecsTask?: string;
}

/**
 * Finds the container that a cgroup belongs to by the cgroup's path. Of nested containers it is the innermost one, and
 * what is below the container's own cgroup (`/container`, `/init.scope`, `/payload`) belongs to it. A path as seen from
 * another cgroup namespace (`/../<id>`) works too.
 *
 * It is the path of a directory. The ` (deleted)` that `/proc/<pid>/cgroup` puts behind that of a removed cgroup is for
 * its reader to take off: here it would be part of a name, and a directory may be called so.
 *
 * A container can be nested in itself: a runtime that takes a path of the host for one inside a container makes
 * `/kubepods/pod<uid>/<id>/kubepods/pod<uid>/<id>`. That is one container, and the outer cgroup is its own.
 *
 * A container that may write its own cgroup can make names inside it that look like nested containers; they have its
 * own as `outer`.
 */
export function identifyCgroup(path: string): CgroupIdentity | undefined {
  const place: Place = { path, name: '', parent: '', start: 0, end: 0, depth: 0 };
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
      const around = found ?? (pattern.infra === true && candidate?.engine === pattern.engine ? candidate : undefined);
      const inner = identity(pattern, place, facts, around);
      if (!isNestedInItself(inner, found)) found = inner;
      // What is inside is not of this pod or task, though it is still in the user's slice.
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

/** As long as this, ids are random and no two containers have the same one. Names of LXC or nspawn are given by people. */
const RANDOM_ID_LENGTH = 32;

function isNestedInItself({ engine, id, infra }: CgroupIdentity, around: CgroupIdentity | undefined): boolean {
  if (infra) return false;
  for (let outer = around; outer !== undefined; outer = outer.outer) {
    if (outer.id === id && (outer.engine === engine || id.length >= RANDOM_ID_LENGTH)) return true;
  }
  return false;
}

/** The same container, now that its witness was heard. */
export function confirmed(identity: CgroupIdentity): CgroupIdentity {
  const { candidate: _, ...rest } = identity;
  return rest;
}

/** Where in the path we are. One object per path, moved on from name to name. */
interface Place {
  readonly path: string;
  name: string;
  parent: string;
  start: number;
  end: number;
  depth: number;
}

/** What the names above a container say of it. */
type Facts = Pick<CgroupIdentity, 'podUid' | 'ownerUid' | 'ecsTask'>;

function enterNextName(place: Place): void {
  const start = place.path.startsWith('/', place.end) ? place.end + 1 : place.end;
  const slash = place.path.indexOf('/', start);
  place.start = start;
  place.end = slash === -1 ? place.path.length : slash;
  // An empty name is no step down, and `..` is one up: both are what a path from elsewhere begins with.
  if (place.name !== '..' && place.name !== '') place.parent = place.name;
  place.name = place.path.slice(start, place.end);
  if (place.name !== '..' && place.name !== '') place.depth += 1;
}

function learn(facts: Facts, place: Place, outermost: boolean): Facts {
  const { name } = place;
  const pod = POD.exec(name);
  if (pod !== null) return { ...facts, podUid: (pod[1] ?? pod[2] ?? '').replaceAll('_', '-') };
  const user = outermost ? USER_SLICE.exec(name)?.[1] : undefined;
  if (user !== undefined) return { ...facts, ownerUid: Number(user) };
  const isTask = /^[0-9a-f-]{32,36}$/.test(name);
  const task = ECS_TASK_SLICE.exec(name)?.[1] ?? (isTask ? ECS_TASK_PATH.exec(upTo(place))?.[1] : undefined);
  return task === undefined ? facts : { ...facts, ecsTask: task };
}

function upTo(place: Place): string {
  return place.path.slice(0, place.end);
}

function firstFit<Pattern extends CgroupPattern>(patterns: readonly Pattern[], place: Place): Pattern | undefined {
  for (const pattern of patterns) {
    if (fits(pattern, place)) return pattern;
  }
  return undefined;
}

function fits(pattern: Pick<CgroupPattern, 'name' | 'parent' | 'above' | 'depth'>, place: Place): boolean {
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
  place: Place,
  facts: Facts,
  around: CgroupIdentity | undefined,
): CgroupIdentity {
  const { engine } = pattern;
  // An engine's own cgroup inside the container's (nspawn's supervisor) is no container in a container.
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
