import type { KernelFiles } from '../kernel/kernel-files.ts';
import { countIn } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, oncePerScrape } from './collector.ts';

type Usage = readonly (readonly [size: string, bytes: number])[];

/** Huge pages in use, by page size. */
export const hugetlb: Collector = defineContainerCollector({
  name: 'hugetlb',
  help: 'Huge pages in use.',
  read({ files }, scrape): Usage {
    const nothing = nothingInUse(scrape);
    if (nothing !== undefined) return nothing;
    const suffix = files.versionOf('hugetlb') === 1 ? 'usage_in_bytes' : 'current';
    return pageSizes(scrape).flatMap((size) => {
      const bytes = countIn(files, 'hugetlb', `hugetlb.${size}.${suffix}`);
      return bytes === undefined ? [] : [[size, bytes] as const];
    });
  },
  families: [
    {
      name: 'isolation_container_hugetlb_usage_bytes',
      type: 'gauge',
      help: 'Memory in huge pages by page size: hugetlb.<size>.current (v1: usage_in_bytes). Absent without the hugetlb controller; 0 if the host has no huge pages.',
      labels: ['page_size'],
      samples(sizes, emit) {
        for (const [size, bytes] of sizes) emit(bytes, size);
      },
    },
  ],
});

/**
 * On most hosts there are no huge pages, so no container can use any, and the files need not be read. `Hugetlb: 0 kB` in
 * `/proc/meminfo` covers all sizes, since Linux 4.15.
 */
const nothingInUse = oncePerScrape((scrape): Usage | undefined => {
  if (!/^Hugetlb: +0 kB$/m.test(scrape.kernel.proc('meminfo') ?? '')) return undefined;
  return pageSizes(scrape).map((size) => [size, 0]);
});

/** How many containers to try for the page sizes. */
const MOST_ASKED = 32;

/** The kernel's page sizes, from the file names. They do not change at run time. */
const known = new WeakMap<KernelFiles, readonly string[]>();

const pageSizes = oncePerScrape(({ kernel, containers }) => {
  let sizes = known.get(kernel) ?? [];
  // A container that is being created or removed may lack these files.
  for (const { files } of containers.slice(0, sizes.length > 0 ? 0 : MOST_ASKED)) {
    sizes = files
      .list('hugetlb')
      .flatMap((name) => /^hugetlb\.(\d+[KMG]B)\.(?:current|usage_in_bytes)$/.exec(name)?.[1] ?? []);
    if (sizes.length > 0) break;
  }
  known.set(kernel, sizes);
  return sizes;
});
