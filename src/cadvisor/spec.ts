import { limitOfCgroup } from '../collectors/cgroup-limits.ts';
import { countIn, parsedFile } from '../collectors/cgroup-value.ts';
import type { Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { parseCpuBandwidth } from '../kernel/cpu-max.ts';
import { parseLimit, parseV1Period, parseV1Quota } from '../kernel/single-value.ts';
import { defineContainerView, ours } from './view.ts';

const UNLIMITED = 'Unlimited is 0, as in cAdvisor, because queries filter by `> 0` or `!= 0`. Absent if unknown.';

/** The limits of the container's own cgroup. */
export const spec = defineContainerView({
  name: 'limits',
  read: readSpec,
  families: [
    {
      name: 'container_spec_memory_limit_bytes',
      type: 'gauge',
      help: 'Memory limit in bytes; 0 if unlimited.',
      value: ({ memory }) => zeroIfUnlimited(memory),
      ours: [...ours('memory_own_limit_bytes'), ...ours('memory_limit_bytes')],
      differs: `${UNLIMITED} A limit of a pod or slice is only in \`isolation_container_memory_limit_bytes\`.`,
    },
    {
      name: 'container_spec_memory_swap_limit_bytes',
      type: 'gauge',
      help: 'Limit of memory and swap together (cgroup v1), or of swap alone (v2), in bytes; 0 if unlimited.',
      value: ({ swap }) => zeroIfUnlimited(swap),
      ours: ours('memory_swap_limit_bytes'),
      differs: `${UNLIMITED} On cgroup v1 memory and swap together, on v2 swap alone, as in cAdvisor; ours is swap alone.`,
    },
    {
      name: 'container_spec_memory_reservation_limit_bytes',
      type: 'gauge',
      help: 'Memory that reclaim spares: memory.min (v1: memory.soft_limit_in_bytes) in bytes; 0 if unlimited.',
      value: ({ reservation }) => zeroIfUnlimited(reservation),
      ours: [...ours('memory_low_bytes'), ...ours('memory_min_bytes')],
    },
    {
      name: 'container_spec_cpu_quota',
      type: 'gauge',
      help: 'CPU quota of each period, in microseconds. Absent without a quota.',
      value: ({ quota }) => (quota === Infinity ? undefined : quota),
      ours: ours('cpu_limit_cores'),
    },
    {
      name: 'container_spec_cpu_period',
      type: 'gauge',
      help: 'Length of an enforcement period, in microseconds.',
      value: ({ period }) => period,
      ours: ours('cpu_limit_cores'),
    },
    {
      name: 'container_spec_cpu_shares',
      type: 'gauge',
      help: 'CPU weight as shares: 1024 is the default.',
      value: ({ shares }) => shares,
      ours: ours('cpu_weight'),
      differs:
        'On cgroup v2, cpu.weight by the proportion of the kernel: 1024 for the default weight of 100. cAdvisor inverts a conversion of former runtimes, and shows 2597 for the default.',
    },
    {
      name: 'container_threads_max',
      type: 'gauge',
      help: 'Limit of processes and threads; 0 if unlimited.',
      value: ({ pids }) => zeroIfUnlimited(pids),
      ours: ours('pids_limit'),
      differs: `${UNLIMITED} On by default.`,
    },
  ],
});

function zeroIfUnlimited(limit: number | undefined): number | undefined {
  return limit === Infinity ? 0 : limit;
}

/** Bytes, microseconds, shares and a number of threads; `Infinity`: unlimited, `undefined`: unknown. */
function readSpec({ files }: Pick<Container, 'files'>, scrape: Scrape) {
  return {
    memory: limitOfCgroup(files, 'memory', scrape),
    swap: limitOfCgroup(files, 'swap', scrape),
    reservation:
      files.versionOf('memory') === 1
        ? limitOfCgroup(files, 'low', scrape)
        : parsedFile(files, 'memory', 'memory.min', parseLimit),
    pids: limitOfCgroup(files, 'pids', scrape),
    ...readCpu(files),
  };
}

function readCpu(files: CgroupFiles) {
  if (files.versionOf('cpu') === 1) {
    return {
      quota: parsedFile(files, 'cpu', 'cpu.cfs_quota_us', parseV1Quota),
      period: parsedFile(files, 'cpu', 'cpu.cfs_period_us', parseV1Period),
      shares: countIn(files, 'cpu', 'cpu.shares'),
    };
  }
  const bandwidth = parsedFile(files, 'cpu', 'cpu.max', parseCpuBandwidth);
  const weight = countIn(files, 'cpu', 'cpu.weight');
  return {
    quota: bandwidth?.quota,
    period: bandwidth?.period,
    shares: weight === undefined || weight === 0 ? undefined : sharesOf(weight),
  };
}

/**
 * Turns a weight of cgroup v2 into shares by the kernel's own proportion (`sched_weight_from_cgroup`). Runtimes convert shares to
 * weights by two different curves, depending on their version (findings/runc-cpu-shares-curve.sh).
 */
function sharesOf(weight: number): number {
  return Math.round((weight * 1024) / 100);
}
