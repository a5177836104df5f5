import { countOnlineCpus, parseMeminfo } from '../kernel/machine.ts';
import { type Collector, defineHostCollector } from './collector.ts';

/** The host: its kernel, its cgroups, its namespaces and its OOM kills. */
export const host: Collector = defineHostCollector({
  name: 'host',
  help: 'Kernel, cgroup version, namespaces and OOM kills of the host.',
  read({ kernel, hostNamespaces, oom }) {
    let problem: Error | undefined;
    const fact = (name: string): string => {
      try {
        return kernel.proc(name)?.trim() ?? '';
      } catch (error) {
        problem ??= error instanceof Error ? error : new Error(String(error));
        return '';
      }
    };
    const release = fact('sys/kernel/osrelease');
    const bootId = fact('sys/kernel/random/boot_id');
    const memory = parseMeminfo(fact('meminfo'), 'MemTotal');
    const cores = countOnlineCpus(fact('stat'));
    return { release, bootId, memory, cores, cgroup: kernel.layout.version, namespaces: hostNamespaces, oom, problem };
  },
  problem: ({ problem }) => problem,
  families: [
    {
      name: 'isolation_host_info',
      type: 'info',
      help: 'Facts about the host: /proc/sys/kernel/osrelease and random/boot_id; cgroup is v1, v2 or hybrid by the mounts.',
      labels: ['kernel', 'cgroup', 'boot_id'],
      samples: ({ release, cgroup, bootId }, emit) => emit(1, release, cgroup, bootId),
    },
    {
      name: 'isolation_host_memory_bytes',
      type: 'gauge',
      help: 'Memory of the host, in bytes: MemTotal of /proc/meminfo.',
      value: ({ memory }) => memory,
    },
    {
      name: 'isolation_host_cpu_cores',
      type: 'gauge',
      help: 'CPUs of the host that are online: /proc/stat.',
      value: ({ cores }) => cores,
    },
    {
      name: 'isolation_host_namespace_reference_info',
      type: 'info',
      help:
        'How the host namespace of each kind was identified, best first: pid1, kthreadd (/proc/<pid>/ns), constant (fixed ' +
        'by the kernel), own (of this process), docker (pinned by dockerd), services. Absent if unknown.',
      labels: ['ns', 'source'],
      samples({ namespaces }, emit) {
        for (const [kind, { source }] of namespaces) emit(1, kind, source);
      },
    },
    {
      name: 'isolation_host_oom_kills_total',
      type: 'counter',
      since: 'boot',
      help:
        'Processes killed by the OOM killer on this host since boot, in containers or not: oom_kill of /proc/vmstat. It is ' +
        'the sum of isolation_container_oom_kills_total, isolation_oom_kills_unattributed_total and ' +
        'isolation_oom_kills_expired_total, so it includes a kill once its container is known, after two seconds at most. ' +
        'Absent before Linux 4.13.',
      value: ({ oom }) => oom?.host,
    },
    {
      name: 'isolation_oom_kills_unattributed_total',
      type: 'counter',
      help:
        'Processes killed by the OOM killer outside containers, or in containers that were gone before any source ' +
        'identified them. Absent before Linux 4.13.',
      value: ({ oom }) => oom?.unattributed,
    },
    {
      name: 'isolation_oom_kills_expired_total',
      type: 'counter',
      help:
        'Processes of containers killed by the OOM killer that are no longer in isolation_container_oom_kills_total: the ' +
        'containers were gone for --oom.retention, or more than 10000 others with kills have gone since. Absent before ' +
        'Linux 4.13.',
      value: ({ oom }) => oom?.expired,
    },
    {
      name: 'isolation_kmsg_lost_records_total',
      type: 'counter',
      since: 'daemon',
      help:
        'Records of the kernel log that were overwritten before the exporter read them, from gaps in their sequence ' +
        'numbers: /dev/kmsg. Absent if it cannot be read.',
      value: ({ oom }) => oom?.lostRecords,
    },
  ],
});
