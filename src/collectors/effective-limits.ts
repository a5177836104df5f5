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
  const own = ownLimits(container.files);
  const found = { own, effective: lowest(own, limitsAbove(container, scrape)) };
  limitsByContainer(scrape).set(container, found);
  return found;
}

function ownLimits(files: CgroupFiles): OwnLimits {
  return {
    memory:
      files.versionOf('memory') === 1
        ? v1Limit(files, 'memory.limit_in_bytes')
        : singleValue(files, 'memory', 'memory.max'),
    swap:
      files.versionOf('memory') === 1
        ? v1Limit(files, 'memory.memsw.limit_in_bytes')
        : singleValue(files, 'memory', 'memory.swap.max'),
    cpu: files.versionOf('cpu') === 1 ? v1CpuLimit(files) : parsedFile(files, 'cpu', 'cpu.max', parseCpuMax),
    pids: singleValue(files, 'pids', 'pids.max'),
  };
}

/** What the cgroups above allow, each read once per scrape however many containers it holds. */
const limitsOf = oncePerScrape(() => new Map<CgroupFiles, OwnLimits>());

const NOTHING: OwnLimits = { memory: undefined, swap: undefined, cpu: undefined, pids: undefined };

function limitsAbove(container: Container, scrape: Scrape): OwnLimits {
  const known = limitsOf(scrape);
  const ancestors = scrape.ancestors(container);
  const [parent] = ancestors;
  const ofSibling = parent === undefined ? NOTHING : known.get(parent);
  if (ofSibling !== undefined) return ofSibling;
  // From the root downwards, so that each level builds on the one above.
  return ancestors.reduceRight((above, files) => {
    const found = known.get(files) ?? lowest(ownLimits(files), above);
    known.set(files, found);
    return found;
  }, NOTHING);
}

function lowest(a: OwnLimits, b: OwnLimits): OwnLimits {
  return {
    memory: lower(a.memory, b.memory),
    swap: lower(a.swap, b.swap),
    cpu: lower(a.cpu, b.cpu),
    pids: lower(a.pids, b.pids),
  };
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
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
