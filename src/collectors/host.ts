import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { type Collector, defineHostCollector } from './collector.ts';

const parseVmstat = flatKeyedParser(['oom_kill']);

/** The host: its kernel, its cgroups, its namespaces and its OOM kills. */
export const host: Collector = defineHostCollector({
  name: 'host',
  help: 'Kernel, cgroup version, namespaces and OOM kills of the host.',
  read({ kernel, hostNamespaces }) {
    const vmstat = kernel.procBytes('vmstat');
    return {
      release: kernel.proc('sys/kernel/osrelease')?.trim() ?? '',
      bootId: kernel.proc('sys/kernel/random/boot_id')?.trim() ?? '',
      cgroup: kernel.layout.version,
      namespaces: hostNamespaces,
      oomKills: vmstat === undefined ? undefined : parseVmstat(vmstat).oom_kill,
    };
  },
  families: [
    {
      name: 'isolation_host_info',
      type: 'info',
      help: 'Facts about the host: /proc/sys/kernel/osrelease and random/boot_id; cgroup is v1, v2 or hybrid by the mounts.',
      labels: ['kernel', 'cgroup', 'boot_id'],
      samples: ({ release, cgroup, bootId }, emit) => emit(1, release, cgroup, bootId),
    },
    {
      name: 'isolation_host_namespace_reference_info',
      type: 'info',
      help:
        'How the host namespace of each kind was found out, best first: pid1, kthreadd (/proc/<pid>/ns), constant (fixed ' +
        'by the kernel), own (of this process), docker (pinned by dockerd), services. Absent if it could not be.',
      labels: ['ns', 'source'],
      samples({ namespaces }, emit) {
        for (const [kind, { source }] of namespaces) emit(1, kind, source);
      },
    },
    {
      name: 'isolation_host_oom_kills_total',
      type: 'counter',
      help: 'Processes killed by the OOM killer on this host since boot, in containers or not: oom_kill of /proc/vmstat. Absent before Linux 4.13.',
      value: (reading) => reading.oomKills,
    },
  ],
});
