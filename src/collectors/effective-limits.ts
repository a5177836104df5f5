import type { Container } from '../container.ts';
import {
  type CgroupLimits,
  findLimit,
  type Found,
  hasLimit,
  holdsBelow,
  type LimitedResource,
  RESOURCE_CONTROLLERS,
  scrapeId,
} from './cgroup-limits.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { noteUnreadable } from './cgroup-value.ts';
import { oncePerScrape, type Scrape } from './collector.ts';
import { type LimitLevel, limitLevelsOf } from './limit-levels.ts';

/** The limit that the kernel enforces on a container: the lowest from its init process's cgroup up to the root. */
export interface EffectiveLimit {
  /** In the unit of the resource; `Infinity`: unlimited, `undefined`: unknown. */
  readonly limit: number | undefined;
  /** The cgroup that sets the limit; `undefined` without one. */
  readonly level: LimitLevel | undefined;
  /** Why it is unknown, if that is a failure. */
  readonly problem: Error | undefined;
}

/** The limits of a container. */
export interface ContainerLimits {
  readonly own: CgroupLimits;
  readonly effective: Readonly<Record<LimitedResource, EffectiveLimit>>;
  readonly limited: Limited;
  /** Why one of them is unknown, if that is a failure. The others are known. */
  readonly problem: Error | undefined;
}

/** Whether a container has a limit: its own, its pod's, its task's or its own unit's. `undefined`: unknown. */
export type Limited = Readonly<Record<'memory' | 'cpu' | 'pids', boolean | undefined>>;

/** What was found for a container last. */
interface Known {
  scrape: object;
  readonly parts: Readonly<Record<LimitedResource, Resolved>>;
  readonly limits: ContainerLimits;
}

/** The limits are read once per scrape, for all collectors that need them. */
const knownByCgroup = new WeakMap<CgroupFiles, Known>();

/** Finds the limits of a container: the same object as in the last scrape if nothing has changed. */
export function limitsOfContainer(container: Container, scrape: Scrape): ContainerLimits {
  const { files } = container;
  const id = scrapeId(scrape);
  const known = knownByCgroup.get(files);
  if (known?.scrape === id) return known.limits;
  const parts = known?.parts;
  const memory = resolve(container, scrape, 'memory', parts?.memory);
  const swap = resolve(container, scrape, 'swap', parts?.swap);
  const cpu = resolve(container, scrape, 'cpu', parts?.cpu);
  const pids = resolve(container, scrape, 'pids', parts?.pids);
  if (
    known !== undefined &&
    known.parts.memory === memory &&
    known.parts.swap === swap &&
    known.parts.cpu === cpu &&
    known.parts.pids === pids
  ) {
    known.scrape = id;
    return known.limits;
  }
  const limits: ContainerLimits = {
    own: { memory: memory.own, swap: swap.own, cpu: cpu.own, pids: pids.own },
    effective: { memory, swap: swapAlone(container, swap, memory), cpu, pids },
    limited: { memory: memory.limited, cpu: cpu.limited, pids: pids.limited },
    problem: memory.problem ?? swap.problem ?? cpu.problem ?? pids.problem,
  };
  knownByCgroup.set(files, { scrape: id, parts: { memory, swap, cpu, pids }, limits });
  return limits;
}

/** The effective swap limit. v1 limits memory and swap together, so swap gets what remains above the memory limit. */
function swapAlone(
  { files }: Container,
  both: EffectiveLimit,
  { limit: memory, problem: memoryProblem }: EffectiveLimit,
): EffectiveLimit {
  if (files.versionOf('memory') !== 1 || both.limit === undefined || both.limit === Infinity) return both;
  const limit = memory === undefined ? undefined : Math.max(0, both.limit - memory);
  return { limit, level: both.level, problem: both.problem ?? memoryProblem };
}

interface Resolved extends EffectiveLimit {
  readonly own: number | undefined;
  readonly limited: boolean | undefined;
}

/** What was found, as the object of the last scrape if it says the same: limits hardly ever change. */
function resolved(
  before: Resolved | undefined,
  own: number | undefined,
  limit: number | undefined,
  level: LimitLevel | undefined,
  limited: boolean | undefined,
  problem?: Error,
): Resolved {
  if (
    before !== undefined &&
    before.limit === limit &&
    before.level === level &&
    before.own === own &&
    before.limited === limited &&
    before.problem === problem
  ) {
    return before;
  }
  return { own, limit, level, limited, problem };
}

/** The lowest limit is unknown, but there is one if any limit is known. */
function unknown(before: Resolved | undefined, own: number | undefined, problem: Error | undefined): Resolved {
  return resolved(before, own, undefined, undefined, own !== undefined && own < Infinity ? true : undefined, problem);
}

function resolve(
  container: Container,
  scrape: Scrape,
  resource: LimitedResource,
  before: Resolved | undefined,
): Resolved {
  const ownFound = findLimit(container.files, resource, scrape);
  const ownLimit = unlessFailed(ownFound);
  const levels = limitLevelsOf(container, RESOURCE_CONTROLLERS[resource], scrape);
  if (levels === undefined) return unknown(before, ownLimit, failureOf(ownFound));
  const { inside, runtime, own, above } = levels;
  const lowest = lowestOf(above, resource, scrape);
  if (!lowest.complete) return unknown(before, ownLimit, failureOf(ownFound) ?? lowest.problem);
  let { limit, level } = lowest;
  for (let index = own === undefined ? inside.length - 1 : inside.length; index >= 0; index -= 1) {
    const each = inside[index] ?? own;
    if (each === undefined) continue;
    const found = each === own ? ownFound : findLimit(each.files, resource, scrape);
    if (typeof found !== 'number') {
      if (isUnknown(found, each, resource)) return unknown(before, ownLimit, failureOf(found));
      continue;
    }
    // If limits are equal, name the container's own cgroup: it outlives the cgroups inside.
    if (limit === undefined || found < limit || (each === own && found === limit)) {
      limit = found;
      level = found === Infinity ? undefined : each;
    }
  }
  // Other cgroups inside the container do not count: the container may have set these limits itself, and can lift them.
  const isLimited =
    lowest.privately ||
    (own !== undefined && hasLimit(own.files, resource, scrape)) ||
    (runtime !== undefined && hasLimit(runtime.files, resource, scrape));
  return resolved(before, ownLimit, limit, level, limit === undefined ? undefined : isLimited);
}

interface LowestAbove extends EffectiveLimit {
  /** Whether a cgroup that the container shares with nobody but its pod has a limit. */
  readonly privately: boolean;
  /** Whether all limits are known. */
  readonly complete: boolean;
}

/** Cached by the array of levels, which the containers of a parent share. */
const lowestByLevels = oncePerScrape(() => ({
  memory: new Map<readonly LimitLevel[], LowestAbove>(),
  swap: new Map<readonly LimitLevel[], LowestAbove>(),
  cpu: new Map<readonly LimitLevel[], LowestAbove>(),
  pids: new Map<readonly LimitLevel[], LowestAbove>(),
}));

function lowestOf(above: readonly LimitLevel[], resource: LimitedResource, scrape: Scrape): LowestAbove {
  const known = lowestByLevels(scrape)[resource];
  const before = known.get(above);
  if (before !== undefined) return before;
  let limit: number | undefined;
  let level: LimitLevel | undefined;
  let privately = false;
  let complete = true;
  let problem: Error | undefined;
  for (const each of above) {
    const found = findBindingLimit(each, resource, scrape);
    if (typeof found !== 'number') {
      if (isUnknown(found, each, resource)) complete = false;
      problem ??= failureOf(found);
      continue;
    }
    if (found < Infinity && each.scope !== 'shared') privately = true;
    if (limit !== undefined && found >= limit) continue;
    limit = found;
    level = found === Infinity ? undefined : each;
  }
  const lowest = { limit, level, privately, complete, problem };
  known.set(above, lowest);
  return lowest;
}

/**
 * Whether a missing limit is unknown rather than not set: its cgroup is gone, its file cannot be read or parsed, or is missing on
 * v1, where every cgroup but the root has all files of a controller.
 */
function isUnknown(missing: Error | undefined, { files, path }: LimitLevel, resource: LimitedResource): boolean {
  if (files.gone || missing !== undefined) return true;
  return path !== '' && files.versionOf(RESOURCE_CONTROLLERS[resource]) === 1;
}

/**
 * The limit of a cgroup above the container's, if it applies to the cgroups below. On v1 before Linux 5.11 a memory
 * limit applies to them only with `memory.use_hierarchy`.
 */
export function bindingLimitOf(level: LimitLevel, resource: LimitedResource, scrape: Scrape): number | undefined {
  const found = findBindingLimit(level, resource, scrape);
  if (found instanceof Error) noteUnreadable(found);
  return unlessFailed(found);
}

function findBindingLimit({ files }: LimitLevel, resource: LimitedResource, scrape: Scrape): Found {
  const found = findLimit(files, resource, scrape);
  if (typeof found !== 'number' || found === Infinity || RESOURCE_CONTROLLERS[resource] !== 'memory') return found;
  if (files.versionOf('memory') === 2) return found;
  const holds = holdsBelow(files, scrape);
  if (holds instanceof Error) return holds;
  return holds ? found : Infinity;
}

function failureOf(found: Found): Error | undefined {
  return found instanceof Error ? found : undefined;
}

function unlessFailed(found: Found): number | undefined {
  return found instanceof Error ? undefined : found;
}
