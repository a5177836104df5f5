import type { NamespaceKind } from '../kernel/host-namespaces.ts';
import { all, answer } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { inHostUsers } from './privileges.ts';

/** Findings about namespaces that a container has in common with the host. */
export const namespaceFindings: readonly Finding[] = [
  shared({
    kind: 'mnt',
    id: 'host_mount_namespace',
    severity: 'critical',
    title: 'Mount namespace of the host',
    why: 'It sees and changes the file systems of the host.',
    fix: {
      docker: 'run it as a container, and not by nsenter --mount or with the file systems of the host',
      compose: 'the same as for docker',
      kubernetes: 'the same as for docker',
    },
    references: [],
  }),
  shared({
    kind: 'pid',
    id: 'host_pid_namespace',
    severity: 'high',
    title: 'Pid namespace of the host',
    why: 'It sees every process of the host with its command line, and signals those of its own user, which may be root.',
    fix: {
      docker: 'leave --pid host out',
      compose: 'remove pid: host',
      kubernetes: 'remove hostPID: true',
    },
    references: ['CIS Docker 5.16', 'Pod Security Standards, baseline: Host Namespaces'],
  }),
  shared({
    kind: 'net',
    id: 'host_network_namespace',
    severity: 'high',
    title: 'Network namespace of the host',
    why: 'It reaches what listens on loopback and abstract sockets of the host, and can listen on every address.',
    fix: {
      docker: 'leave --network host out; publish ports with -p',
      compose: 'remove network_mode: host; use ports',
      kubernetes: 'remove hostNetwork: true; use a Service',
    },
    references: ['CIS Docker 5.10', 'Pod Security Standards, baseline: Host Namespaces'],
  }),
  shared({
    kind: 'ipc',
    id: 'host_ipc_namespace',
    severity: 'high',
    title: 'IPC namespace of the host',
    why: 'It reads and writes shared memory and message queues of processes on the host.',
    fix: { docker: 'leave --ipc host out', compose: 'remove ipc: host', kubernetes: 'remove hostIPC: true' },
    references: ['CIS Docker 5.17', 'Pod Security Standards, baseline: Host Namespaces'],
  }),
  shared({
    kind: 'uts',
    id: 'host_uts_namespace',
    severity: 'medium',
    title: 'UTS namespace of the host',
    why: 'With SYS_ADMIN it can change the name of the host.',
    fix: {
      docker: 'leave --uts host out',
      compose: 'remove uts: host',
      kubernetes: 'remove hostNetwork: true, which brings the UTS namespace with it',
    },
    references: ['CIS Docker 5.21'],
  }),
  shared({
    kind: 'cgroup',
    id: 'host_cgroup_namespace',
    severity: 'info',
    title: 'Cgroup namespace of the host',
    why: 'It sees the paths of the cgroups of the host, which is the default of engines on cgroup v1.',
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
    title: 'User namespace of the host',
    why: 'Root inside is root on the host once it gets out, which is the default of most engines.',
    fix: {
      docker: 'dockerd --userns-remap, or rootless Docker or Podman',
      compose: 'the same, by the configuration of the engine; remove userns_mode: host',
      kubernetes: 'hostUsers: false',
    },
    references: ['CIS Docker 5.31'],
    test: withPosture(inHostUsers),
  },
  {
    id: 'host_root_mapped',
    severity: 'medium',
    title: 'User namespace in which root is root on the host',
    why: 'A user namespace that maps the uid 0 of the host protects none of its files.',
    fix: {
      docker: 'dockerd --userns-remap with subordinate ids that do not hold 0',
      compose: 'the same, by the configuration of the engine',
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
