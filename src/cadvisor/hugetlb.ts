import { readHugetlb } from '../collectors/hugetlb.ts';
import { defineContainerView, ours } from './view.ts';

const ABSENT = 'On by default. Absent if the host has no huge pages.';

/** Huge pages by size. */
export const hugetlb = defineContainerView({
  name: 'hugetlb',
  read: readHugetlb,
  families: [
    {
      name: 'container_hugetlb_usage_bytes',
      type: 'gauge',
      help: 'Huge pages in use, in bytes.',
      labels: ['pagesize'],
      samples(sizes, emit) {
        for (const { size, usage } of sizes) if (usage !== undefined) emit(usage, size);
      },
      ours: ours('hugetlb_usage_bytes'),
      differs: ABSENT,
    },
    {
      name: 'container_hugetlb_failcnt',
      type: 'plain_counter',
      help: 'Times that a limit refused a huge page.',
      labels: ['pagesize'],
      samples(sizes, emit) {
        for (const { size, limitHits } of sizes) if (limitHits !== undefined) emit(limitHits, size);
      },
      ours: ours('hugetlb_limit_hits_total'),
      differs: ABSENT,
    },
  ],
});
