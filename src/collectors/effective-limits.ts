import type { Container } from '../container.ts';
import { parseCpuMax } from '../kernel/cpu-max.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { parseV1Limit } from '../kernel/single-value.ts';
import { parsedFile, singleValue } from './cgroup-value.ts';
import { oncePerScrape, type Scrape } from './collector.ts';

/** Limits of one cgroup; `Infinity` is unlimited, `undefined` is not known (no controller there). */
export interface OwnLimits {
  /** Bytes. */
  readonly memory: number | undefined;
  /** Bytes; on v1 of memory and swap together. */
  readonly swap: number | undefined;
  /** Cores. */
  readonly cpu: number | undefined;
  readonly pids: number | undefined;
}

/** Whether anything on the way from a container to the root limits it. */
export type Limited = Readonly<Record<'memory' | 'cpu' | 'pids', boolean | undefined>>;

/** Asks for what the metrics of this collector tell. */
export function limitedOf(container: Container, scrape: Scrape): Limited {
  const { memory, cpu, pids } = limitsOfContainer(container, scrape).effective;
  return { memory: isLimited(memory), cpu: isLimited(cpu), pids: isLimited(pids) };
}

/** `undefined` if it is not known. */
export function isLimited(limit: number | undefined): boolean | undefined {
  return limit === undefined ? undefined : limit < Infinity;
}

interface OwnAndEffective {
  readonly own: OwnLimits;
  readonly effective: OwnLimits;
}

/** All who ask in one scrape get what was read once. */
const limitsByContainer = oncePerScrape(() => new Map<Container, OwnAndEffective>());

/** Finds the limits of a container: its own, and the lowest on the way to the root. */
export function limitsOfContainer(container: Container, scrape: Scrape): OwnAndEffective {
  const known = limitsByContainer(scrape).get(container);
  if (known !== undefined) return known;
  const effective = {
    memory: effectiveLimit(container, scrape, 'memory'),
    swap: effectiveLimit(container, scrape, 'swap'),
    cpu: effectiveLimit(container, scrape, 'cpu'),
    pids: effectiveLimit(container, scrape, 'pids'),
  };
  const own = {
    memory: limitOf(container.files, scrape, 'memory'),
    swap: limitOf(container.files, scrape, 'swap'),
    cpu: limitOf(container.files, scrape, 'cpu'),
    pids: limitOf(container.files, scrape, 'pids'),
  };
  const found = { own, effective };
  limitsByContainer(scrape).set(container, found);
  return found;
}

const readLimit: Readonly<Record<Resource, (files: CgroupFiles) => number | undefined>> = {
  memory: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.limit_in_bytes')
      : singleValue(files, 'memory', 'memory.max'),
  swap: (files) =>
    files.versionOf('memory') === 1
      ? v1Limit(files, 'memory.memsw.limit_in_bytes')
      : singleValue(files, 'memory', 'memory.swap.max'),
  cpu: (files) => (files.versionOf('cpu') === 1 ? v1CpuLimit(files) : parsedFile(files, 'cpu', 'cpu.max', parseCpuMax)),
  pids: (files) => singleValue(files, 'pids', 'pids.max'),
};

type Resource = keyof OwnLimits;

const CONTROLLERS = { memory: 'memory', swap: 'memory', cpu: 'cpu', pids: 'pids' } as const;

/** The limits of each cgroup, read once per scrape however many containers it holds. */
const limitsByCgroup = oncePerScrape(() => ({
  memory: new Map<CgroupFiles, number | undefined>(),
  swap: new Map<CgroupFiles, number | undefined>(),
  cpu: new Map<CgroupFiles, number | undefined>(),
  pids: new Map<CgroupFiles, number | undefined>(),
}));

function limitOf(files: CgroupFiles, scrape: Scrape, resource: Resource): number | undefined {
  const known = limitsByCgroup(scrape)[resource];
  if (known.has(files)) return known.get(files);
  const limit = readLimit[resource](files);
  known.set(files, limit);
  return limit;
}

/** The lowest limit from the container's init to the root; `undefined` if one that may be lower is unknown. */
function effectiveLimit(container: Container, scrape: Scrape, resource: Resource): number | undefined {
  const levels = scrape.levels(container, CONTROLLERS[resource]);
  if (levels === undefined) return undefined;
  const mayLack = container.files.versionOf(CONTROLLERS[resource]) === 2;
  let found: number | undefined;
  for (const files of [...levels.inside, ...levels.above]) {
    const limit = limitOf(files, scrape, resource);
    if (limit !== undefined) found = Math.min(found ?? Infinity, limit);
    else if (!mayLack && files.path !== '') return undefined;
  }
  return found;
}

function v1CpuLimit(files: CgroupFiles): number | undefined {
  const quota = singleValue(files, 'cpu', 'cpu.cfs_quota_us');
  if (quota === undefined) return undefined;
  if (quota < 0) return Infinity;
  const period = singleValue(files, 'cpu', 'cpu.cfs_period_us');
  if (period !== undefined && period <= 0) throw new SyntaxError(`cpu.cfs_period_us: ${period} is no period`);
  return period === undefined ? undefined : quota / period;
}

/** A limit of memory on v1. */
export function v1Limit(files: CgroupFiles, name: string): number | undefined {
  return parsedFile(files, 'memory', name, parseV1Limit);
}
