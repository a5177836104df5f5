import type { Container } from '../container.ts';
import type { Bytes } from '../kernel/bytes.ts';
import { countCpuList } from '../kernel/cpu-list.ts';
import { parseLimit } from '../kernel/single-value.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { noteUnreadable, parsedFile, countIn, parsedOrUnreadable } from './cgroup-value.ts';
import { limitOfCgroup } from './cgroup-limits.ts';
import { type Collector, defineContainerCollector, type Family, type Scrape } from './collector.ts';
import { type ContainerLimits, limitsOfContainer } from './effective-limits.ts';
import { cgroupLabel } from './level-labels.ts';

interface Limits {
  readonly limits: ContainerLimits;
  readonly files: CgroupFiles;
  readonly high: number | undefined;
  readonly low: number | undefined;
  readonly min: number | undefined;
  readonly cpuWeight: number | undefined;
  readonly cpus: number | undefined;
}

const WHERE = 'from the cgroup of the init process to the root';
const RESOURCES = ['memory', 'swap', 'cpu', 'pids'] as const;

/**
 * Limits, own and effective. A limit holds for a cgroup and all below it, so the effective limit is the lowest one from
 * the cgroup of the init process to the root. The limit of a pod or a slice counts too, regardless of the engine's
 * settings.
 */
export const limits: Collector = defineContainerCollector({
  name: 'limits',
  help: "Limits of memory, swap, CPU and PIDs: the container's own, and the effective ones.",
  read(container, scrape): Limits {
    const { files } = container;
    const isV1 = files.versionOf('memory') === 1;
    const found = limitsOfContainer(container, scrape);
    if (found.problem !== undefined) noteUnreadable(found.problem);
    return {
      limits: found,
      files,
      high: limitOfCgroup(files, 'high', scrape),
      low: limitOfCgroup(files, 'low', scrape),
      min: isV1 ? undefined : parsedFile(files, 'memory', 'memory.min', parseLimit),
      cpuWeight: cpuWeight(files),
      cpus: cpus(container, scrape),
    };
  },
  families: [
    limited('memory', 'memory.max (v1: memory.limit_in_bytes)'),
    limited('cpu', 'cpu.max (v1: cpu.cfs_quota_us)'),
    limited('pids', 'pids.max'),
    limit(
      'isolation_container_memory_limit_bytes',
      `Effective memory limit: the lowest memory.max (v1: memory.limit_in_bytes) ${WHERE}.`,
      ({ limits: { effective } }) => effective.memory.limit,
    ),
    limit(
      'isolation_container_memory_own_limit_bytes',
      "Memory limit of the container's own cgroup: memory.max (v1: memory.limit_in_bytes).",
      ({ limits: { own } }) => own.memory,
    ),
    limit(
      'isolation_container_memory_swap_limit_bytes',
      `Effective limit of swap alone: the lowest memory.swap.max (v1: memory.memsw.limit_in_bytes minus the memory limit) ${WHERE}.`,
      ({ limits: { effective } }) => effective.swap.limit,
    ),
    limit(
      'isolation_container_memory_high_bytes',
      'Throttling and reclaim begin above this: memory.high.',
      (reading) => reading.high,
    ),
    protection(
      'isolation_container_memory_low_bytes',
      'Memory protected from reclaim as far as possible: memory.low (v1: memory.soft_limit_in_bytes).',
      (reading) => reading.low,
    ),
    protection('isolation_container_memory_min_bytes', 'Memory never reclaimed: memory.min.', (reading) => reading.min),
    limit(
      'isolation_container_cpu_limit_cores',
      `Effective CPU limit in cores: the lowest quota / period of cpu.max (v1: cpu.cfs_quota_us) ${WHERE}.`,
      ({ limits: { effective } }) => effective.cpu.limit,
    ),
    {
      name: 'isolation_container_cpu_weight',
      type: 'gauge',
      help: 'Share of the CPU relative to sibling cgroups when CPU time is short; the default is 100: cpu.weight (v1: cpu.shares * 100 / 1024). Absent without the cpu controller.',
      value: (reading) => reading.cpuWeight,
    },
    {
      name: 'isolation_container_cpuset_cpus',
      type: 'gauge',
      help: 'Number of CPUs the container may run on: cpuset.cpus.effective (v1: cpuset.effective_cpus) of it or the nearest cgroup above that has the controller. Absent without it.',
      value: (reading) => reading.cpus,
    },
    limit(
      'isolation_container_pids_limit',
      `Effective limit of processes and threads: the lowest pids.max ${WHERE}.`,
      ({ limits: { effective } }) => effective.pids.limit,
    ),
    {
      name: 'isolation_container_effective_limit_info',
      type: 'info',
      help:
        "Which other cgroup than the container's own sets the effective limit of a resource (memory, swap, cpu, pids): its " +
        'path, and whose it is by scope (container: one inside it, pod, task, unit, shared). Absent where none does.',
      labels: ['resource', 'scope', 'cgroup'],
      samples({ limits: { effective }, files }, emit) {
        for (const resource of RESOURCES) {
          const { level } = effective[resource];
          if (level !== undefined && level.files !== files) emit(1, resource, level.scope, cgroupLabel(level));
        }
      },
    },
  ],
});

/** A gauge for a limit, absent when there is none, so that queries do not need `limit > 0`. */
function limit(name: string, help: string, read: (reading: Limits) => number | undefined): Family<Limits> {
  return {
    name,
    type: 'gauge',
    help: `${help} Absent if unlimited or unknown.`,
    value(reading) {
      const found = read(reading);
      return found === Infinity ? undefined : found;
    },
  };
}

/** A gauge for protected memory: nearly all containers have none. */
function protection(name: string, help: string, read: (limits: Limits) => number | undefined): Family<Limits> {
  return {
    name,
    type: 'gauge',
    help: `${help} Absent if there is none, and if unlimited or unknown.`,
    value(limits) {
      const found = read(limits);
      return found === Infinity || found === 0 ? undefined : found;
    },
  };
}

function limited(resource: 'memory' | 'cpu' | 'pids', file: string): Family<Limits> {
  return {
    name: `isolation_container_${resource}_limited`,
    type: 'gauge',
    help:
      `Whether the container has a limit of its own (1) or none (0): ${file} of its cgroup, or of its pod, ECS task or own ` +
      'systemd unit. A limit that it shares with strangers (kubepods, a slice, the host) does not count. Absent if unknown.',
    value({ limits: { limited: isLimited } }) {
      const found = isLimited[resource];
      return found === undefined ? undefined : Number(found);
    },
  };
}

/** The kernel's own conversion (`sched_weight_to_cgroup`): the default of 1024 shares is the default weight of 100. */
function cpuWeight(files: CgroupFiles): number | undefined {
  if (files.versionOf('cpu') !== 1) return countIn(files, 'cpu', 'cpu.weight');
  const shares = countIn(files, 'cpu', 'cpu.shares');
  return shares === undefined ? undefined : (shares * 100) / 1024;
}

function cpus(container: Container, scrape: Scrape): number | undefined {
  const name = container.files.versionOf('cpuset') === 1 ? 'cpuset.effective_cpus' : 'cpuset.cpus.effective';
  let found = parsedOrUnreadable(container.files, 'cpuset', name, parseCpus);
  if (found === undefined) {
    // Without the controller a cgroup uses the CPUs of the cgroup above.
    for (const files of scrape.levels(container, 'cpuset')?.above ?? []) {
      found = parsedOrUnreadable(files, 'cpuset', name, parseCpus);
      if (found !== undefined) break;
    }
  }
  return typeof found === 'number' ? found : undefined;
}

function parseCpus(bytes: Bytes): number | 'none' {
  return countCpuList(bytes) ?? 'none';
}
