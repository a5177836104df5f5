import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { parseLimit } from '../kernel/single-value.ts';
import { countIn, UNREADABLE, parsedFile, parsedOrUnreadable } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Family, oncePerScrape, type Scrape } from './collector.ts';

/** Huge pages of one size. */
interface HugePages {
  /** `2MB`, `1GB`, … */
  readonly size: string;
  /** Bytes. */
  readonly usage: number | undefined;
  /** Bytes; `Infinity`: unlimited. */
  readonly limit: number | undefined;
  readonly limitHits: number | undefined;
}

type Reading = readonly HugePages[];

/** Huge pages by size: in use, limit and refusals. */
export const hugetlb: Collector = defineContainerCollector({
  name: 'hugetlb',
  help: 'Huge pages in use, their limits and how often these were hit.',
  read: readHugetlb,
  families: [
    bySize(
      'isolation_container_hugetlb_usage_bytes',
      'gauge',
      'Memory in huge pages by page size: hugetlb.<size>.current (v1: usage_in_bytes). Absent without the hugetlb controller, and if the host has no huge pages.',
      ({ usage }) => usage,
    ),
    bySize(
      'isolation_container_hugetlb_limit_bytes',
      'gauge',
      'Effective limit of huge pages by page size: the lowest hugetlb.<size>.max (v1: limit_in_bytes) from the cgroup of the init process to the root. Absent if unlimited or unknown, and if the host has no huge pages.',
      ({ limit }) => (limit === Infinity ? undefined : limit),
    ),
    bySize(
      'isolation_container_hugetlb_limit_hits_total',
      'counter',
      'Times that the container got no huge page because of a limit: max of hugetlb.<size>.events, whichever cgroup has the limit (v1: failcnt, for its own limit only). Absent if the host has no huge pages.',
      ({ limitHits }) => limitHits,
    ),
  ],
});

/** Reads the huge pages of a container by size; nothing without the controller. */
export function readHugetlb(container: Container, scrape: Scrape): Reading {
  if (hasNoHugePages(scrape)) return NOTHING;
  return pageSizes(scrape).map((size) => ({
    size,
    usage: usageOf(container.files, size),
    limit: effectiveLimit(container, scrape, size),
    limitHits: limitHitsOf(container.files, size),
  }));
}

function bySize(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  value: (pages: HugePages) => number | undefined,
): Family<Reading> {
  return {
    name,
    type,
    ...(type === 'counter' && { since: 'cgroup' }),
    help,
    labels: ['page_size'],
    samples(reading, emit) {
      for (const pages of reading) {
        const sample = value(pages);
        if (sample !== undefined) emit(sample, pages.size);
      }
    },
  };
}

function usageOf(files: CgroupFiles, size: string): number | undefined {
  const suffix = files.versionOf('hugetlb') === 1 ? 'usage_in_bytes' : 'current';
  return countIn(files, 'hugetlb', `hugetlb.${size}.${suffix}`);
}

const parseEvents = flatKeyedParser(['max']);

/**
 * How often a limit refused a page. On v2 the kernel counts in the cgroup that wants the page, on v1 in the one whose
 * limit refuses it.
 */
function limitHitsOf(files: CgroupFiles, size: string): number | undefined {
  if (files.versionOf('hugetlb') === 1) return countIn(files, 'hugetlb', `hugetlb.${size}.failcnt`);
  return parsedFile(files, 'hugetlb', `hugetlb.${size}.events`, parseEvents)?.max;
}

/** The effective limit; `undefined` if there is none, or if a limit that may be lower is unknown. */
function effectiveLimit(container: Container, scrape: Scrape, size: string): number | undefined {
  const levels = scrape.levels(container, 'hugetlb');
  if (levels === undefined) return undefined;
  let lowest: number | undefined;
  for (const files of [...levels.inside, ...levels.above]) {
    const limit = limitOfCgroup(files, size, scrape);
    if (limit === UNREADABLE) return undefined;
    if (limit !== undefined) lowest = Math.min(lowest ?? Infinity, limit);
    else if (files.versionOf('hugetlb') === 1 && files.path !== '') return undefined;
  }
  return lowest;
}

type SizeLimit = number | typeof UNREADABLE | undefined;

/** Each limit is read once per scrape, however many containers the cgroup holds. */
const limits = oncePerScrape(() => new Map<CgroupFiles, Map<string, SizeLimit>>());

function limitOfCgroup(files: CgroupFiles, size: string, scrape: Scrape): SizeLimit {
  const bySizes = limits(scrape).get(files) ?? new Map<string, SizeLimit>();
  limits(scrape).set(files, bySizes);
  if (bySizes.has(size)) return bySizes.get(size);
  const suffix = files.versionOf('hugetlb') === 1 ? 'limit_in_bytes' : 'max';
  const limit = parsedOrUnreadable(files, 'hugetlb', `hugetlb.${size}.${suffix}`, parseLimit);
  bySizes.set(size, limit);
  return limit;
}

/**
 * Whether the host has huge pages. Most hosts have none, so no container can use any, and reading several files for
 * each container is unnecessary. The line `Hugetlb: 0 kB` of `/proc/meminfo` is the sum of all sizes, since Linux 4.15.
 */
const hasNoHugePages = oncePerScrape((scrape) => /^Hugetlb: +0 kB$/m.test(scrape.kernel.proc('meminfo') ?? ''));

const NOTHING: Reading = [];

/** The maximum number of containers that are tried to find the page sizes. */
const MAX_ASKED = 32;

/** The page sizes of this kernel, from the names of the files. They do not change while it runs. */
const sizesOfKernel = new WeakMap<KernelFiles, readonly string[]>();

const pageSizes = oncePerScrape(({ kernel, containers }) => {
  let sizes = sizesOfKernel.get(kernel) ?? [];
  // A container that is being created or removed has no such files, so several containers are tried.
  for (const { files } of containers.slice(0, sizes.length > 0 ? 0 : MAX_ASKED)) {
    sizes = files
      .list('hugetlb')
      .flatMap((name) => /^hugetlb\.(\d+[KMG]B)\.(?:current|usage_in_bytes)$/.exec(name)?.[1] ?? []);
    if (sizes.length > 0) break;
  }
  sizesOfKernel.set(kernel, sizes);
  return sizes;
});
