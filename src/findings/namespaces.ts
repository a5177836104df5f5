import type { NamespaceKind } from '../kernel/host-namespaces.ts';
import { all, answer } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { inHostUsers } from './privileges.ts';
import { refer } from './standards/references.ts';

/** Findings about namespaces shared with the host, and about user namespaces. */
export const namespaceFindings: readonly Finding[] = [
  shared({
    kind: 'mnt',
    id: 'host_mount_namespace',
    severity: 'critical',
    title: "The host's mount namespace",
    why: "It sees and changes the host's file systems.",
    fix: {
      docker: "run it as a container, not with nsenter --mount or in the host's file systems",
      compose: 'the same as for docker',
      kubernetes: 'the same as for docker',
    },
    references: [...refer('mitre-attack', 'T1611')],
  }),
  shared({
    kind: 'pid',
    id: 'host_pid_namespace',
    severity: 'high',
    title: "The host's pid namespace",
    why: 'It sees every process of the host with its command line, and can signal those of its own user, which may be root.',
    fix: {
      docker: 'remove --pid host',
      compose: 'remove pid: host',
      kubernetes: 'remove hostPID: true',
    },
    references: [
      ...refer('cis-docker', '5.16'),
      ...refer('pss-baseline', 'Host Namespaces'),
      ...refer('nsa-cisa', 'host-processes'),
      ...refer('mitre-attack', 'T1611'),
    ],
  }),
  shared({
    kind: 'net',
    id: 'host_network_namespace',
    severity: 'high',
    title: "The host's network namespace",
    why: "It reaches services on the host's loopback and abstract sockets, and can listen on every address.",
    fix: {
      docker: 'remove --network host; publish ports with -p',
      compose: 'remove network_mode: host; use ports',
      kubernetes: 'remove hostNetwork: true; use a Service',
    },
    references: [
      ...refer('cis-docker', '5.10'),
      ...refer('pss-baseline', 'Host Namespaces'),
      ...refer('nsa-cisa', 'host-network'),
      ...refer('mitre-attack', 'T1611'),
    ],
  }),
  shared({
    kind: 'ipc',
    id: 'host_ipc_namespace',
    severity: 'high',
    title: "The host's IPC namespace",
    why: "It can read and write shared memory and message queues of the host's processes.",
    fix: { docker: 'remove --ipc host', compose: 'remove ipc: host', kubernetes: 'remove hostIPC: true' },
    references: [
      ...refer('cis-docker', '5.17'),
      ...refer('pss-baseline', 'Host Namespaces'),
      ...refer('nsa-cisa', 'host-processes'),
    ],
  }),
  shared({
    kind: 'uts',
    id: 'host_uts_namespace',
    severity: 'medium',
    title: "The host's UTS namespace",
    why: 'With SYS_ADMIN it can change the host name.',
    fix: {
      docker: 'remove --uts host',
      compose: 'remove uts: host',
      kubernetes: 'remove hostNetwork: true, which also shares the UTS namespace',
    },
    references: [...refer('cis-docker', '5.21')],
  }),
  shared({
    kind: 'cgroup',
    id: 'host_cgroup_namespace',
    severity: 'info',
    title: "The host's cgroup namespace",
    why: "It sees the host's cgroup paths, which is the default of engines on cgroup v1.",
    fix: {
      docker: '--cgroupns private',
      compose: 'cgroup: private',
      kubernetes: 'use cgroup v2, where it is the default',
    },
    references: [],
  }),
  {
    id: 'host_user_namespace',
    severity: 'info',
    title: "The host's user namespace",
    why: 'Root inside is root on the host after an escape, which is the default of most engines.',
    fix: {
      docker: 'dockerd --userns-remap, or rootless Docker or Podman',
      compose: 'the same, in the configuration of the engine; remove userns_mode: host',
      kubernetes: 'hostUsers: false',
    },
    references: [],
    test: withPosture(inHostUsers),
  },
  {
    id: 'host_root_mapped',
    severity: 'medium',
    title: 'User namespace that contains root of the host',
    why: "A user namespace that maps the host's uid 0 protects none of the host's files.",
    fix: {
      docker: 'dockerd --userns-remap with subordinate ids that do not include 0',
      compose: 'the same, in the configuration of the engine',
      kubernetes: 'hostUsers: false',
    },
    references: [],
    test: withPosture(({ init: { users } }) =>
      all(answer(users === undefined ? undefined : !users.isHost), answer(users?.mapsHostRoot)),
    ),
  },
];

function shared({ kind, ...finding }: Omit<Finding, 'test'> & { readonly kind: NamespaceKind }): Finding {
  return { ...finding, test: ({ hostNamespaces }) => answer(hostNamespaces[kind]) };
}
