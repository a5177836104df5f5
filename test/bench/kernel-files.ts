import type { CgroupLayout } from '../../src/kernel/cgroup-layout.ts';

/** A file that the collectors read for every container in every scrape, and roughly how many samples it yields. */
interface NeededFile {
  readonly controller: string;
  readonly name: string;
  readonly samples: number;
}

/**
 * Leaves out files that the collectors do not read for the containers of the bench: `cpu.cfs_period_us` and `cpu.stat` of v1 (they have
 * no quota), `pids.events` (no limit), `memory.oom_control` and `memory.events` (no kills),
 * `blkio.throttle.io_serviced_recursive` (no I/O), hugetlb (while the host has no huge pages) and `/proc/<pid>/net/dev` (they use the
 * host's network).
 */
const NEEDED: Record<1 | 2, readonly NeededFile[]> = {
  1: [
    ...of('memory', ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.soft_limit_in_bytes'], 1),
    ...of('memory', ['memory.usage_in_bytes', 'memory.max_usage_in_bytes', 'memory.kmem.usage_in_bytes'], 1),
    ...of('memory', ['memory.stat'], 8),
    ...of('cpu', ['cpu.cfs_quota_us', 'cpu.shares'], 1),
    ...of('cpuacct', ['cpuacct.usage'], 1),
    ...of('cpuacct', ['cpuacct.stat'], 2),
    ...of('cpuset', ['cpuset.effective_cpus'], 1),
    ...of('pids', ['pids.max', 'pids.current'], 1),
    ...of('freezer', ['freezer.state'], 1),
    ...of('blkio', ['blkio.throttle.io_service_bytes_recursive'], 2),
  ],
  2: [
    ...of('memory', ['memory.max', 'memory.swap.max', 'memory.high', 'memory.low', 'memory.min'], 1),
    ...of('memory', ['memory.current', 'memory.peak', 'memory.swap.current', 'memory.oom.group'], 1),
    ...of('memory', ['memory.stat'], 8),
    ...of('cpu', ['cpu.max', 'cpu.weight'], 1),
    ...of('cpuset', ['cpuset.cpus.effective'], 1),
    ...of('pids', ['pids.max', 'pids.current'], 1),
    ...of('io', ['io.stat'], 4),
  ],
};

/** These files are in the cgroup2 hierarchy, whatever controllers it has. */
const PRESSURE = of('unified', ['cpu.pressure', 'memory.pressure', 'io.pressure'], 2);
const UNIFIED_CPU = of('unified', ['cpu.stat'], 7);
/** Without a freezer of v1 beside it. */
const UNIFIED_EVENTS = of('unified', ['cgroup.events'], 1);

/** The location of a file of one container. */
export interface FilePath {
  readonly path: string;
  readonly samples: number;
}

/** The files of a container on this host. This kernel may lack some of them. */
export function filesOf(layout: CgroupLayout, cgroup: string): FilePath[] {
  const { unified } = layout;
  const found = ([1, 2] as const).flatMap((version) =>
    NEEDED[version].flatMap(({ controller, name, samples }) => {
      const hierarchy = layout.hierarchyOf(controller);
      return hierarchy?.version === version ? [{ path: `${hierarchy.root}${cgroup}/${name}`, samples }] : [];
    }),
  );
  if (unified === undefined) return found;
  const plain = [
    ...PRESSURE,
    ...(layout.hierarchyOf('cpu')?.version === 1 ? [] : UNIFIED_CPU),
    ...(layout.hierarchyOf('freezer')?.version === 1 ? [] : UNIFIED_EVENTS),
  ];
  return [...found, ...plain.map(({ name, samples }) => ({ path: `${unified.root}${cgroup}/${name}`, samples }))];
}

function of(controller: string, names: readonly string[], samples: number): NeededFile[] {
  return names.map((name) => ({ controller, name, samples }));
}
