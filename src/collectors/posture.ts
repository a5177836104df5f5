import { capabilitiesOf, DEFAULT_CAPABILITIES, isPrivileged } from '../findings/privileges.ts';
import { capabilityNames } from '../kernel/capabilities.ts';
import type { LsmLabel } from '../kernel/lsm-label.ts';
import type { Posture, ProcessPosture } from '../posture/posture.ts';
import { type Collector, defineContainerCollector, NAMESPACE_REMEDY } from './collector.ts';

/** A container with the host's `/` also has everything mounted below it. */
const MOST_MOUNTS = 32;

/** Shorter than the limit on label values. */
const LONGEST_PATH = 128;

function cut(path: string): string {
  return path.length <= LONGEST_PATH ? path : `${path.slice(0, LONGEST_PATH)}…`;
}

/** How the kernel confines each container: the facts behind findings and the isolation level. */
export const posture: Collector = defineContainerCollector({
  name: 'posture',
  help: 'Privileges, capabilities, seccomp, security modules and root file system of each container.',
  remedy: NAMESPACE_REMEDY,
  read({ posture: known, initError }): Posture | undefined {
    if (initError !== undefined && known === undefined) throw initError;
    return known;
  },
  problem: ({ problem }) => problem,
  families: [
    {
      name: 'isolation_container_privileged',
      type: 'gauge',
      help:
        'Whether it was started as a privileged container (1) or not (0): CapBnd of its init has everything that its parent ' +
        'has, in the user namespace of the host, without seccomp (/proc/<pid>/status, uid_map) and with /sys writable, ' +
        '/proc unmasked (mountinfo) or all devices (v1: devices.list). Absent if unknown, or in a sandbox.',
      value(posture) {
        if (posture.sandbox?.kernel !== 'shared') return undefined;
        const privileged = isPrivileged(posture);
        return privileged === 'unknown' ? undefined : Number(privileged === 'yes');
      },
    },
    {
      name: 'isolation_container_security_info',
      type: 'info',
      help:
        'How the init process is confined, as labels: seccomp, no_new_privs and the effective uid (as the container sees ' +
        'it) of /proc/<pid>/status; apparmor and selinux of attr/current; rootfs of mountinfo. A label is empty if unknown ' +
        'or not applicable. Absent in a sandbox.',
      labels: ['seccomp', 'apparmor', 'selinux', 'user', 'no_new_privs', 'rootfs'],
      samples({ sandbox, init, mounts }, emit) {
        if (sandbox?.kernel !== 'shared') return;
        const { seccomp = '', label, noNewPrivileges } = init;
        const readOnly = mounts?.rootReadOnly;
        const rootfs = readOnly === undefined ? '' : readOnly ? 'ro' : 'rw';
        emit(1, seccomp, apparmorOf(label), selinuxOf(label), userOf(init), textOf(noNewPrivileges), rootfs);
      },
    },
    {
      name: 'isolation_container_capability',
      type: 'gauge',
      help:
        'A capability that a process of the container has or can get, beyond the 14 defaults of Docker and containerd: ' +
        'CapBnd and CapPrm of /proc/<pid>/status. Always 1. Absent if there is none, in a sandbox, or if unknown. ' +
        'In its own user namespace it applies only there.',
      labels: ['capability'],
      samples({ sandbox, processes }, emit) {
        if (sandbox?.kernel !== 'shared') return;
        const set = processes.reduce((all, process) => all | capabilitiesOf(process), 0n);
        for (const name of capabilityNames(set & ~DEFAULT_CAPABILITIES)) emit(1, name);
      },
    },
    {
      name: 'isolation_container_host_mount_info',
      type: 'info',
      help:
        'Host paths that are mounted: mountinfo of the init, resolved with that of PID 1. kind is root, socket (of an ' +
        'engine, or a directory that contains one), critical or sensitive; mode is ro or rw. Absent in a sandbox, or if unknown.',
      labels: ['kind', 'host_path', 'mount_point', 'mode'],
      samples({ sandbox, mounts }, emit) {
        if (sandbox?.kernel !== 'shared') return;
        const seen = new Set<string>();
        for (const { kind, hostPath, mountPoint, writable } of mounts?.hostMounts ?? []) {
          if (kind === 'plain' || seen.size >= MOST_MOUNTS) continue;
          const facts = [kind, cut(hostPath), cut(mountPoint), writable ? 'rw' : 'ro'];
          // Two long paths can become equal once shortened, and series must be unique.
          if (seen.has(facts.join('\n'))) continue;
          seen.add(facts.join('\n'));
          emit(1, ...facts);
        }
      },
    },
    {
      name: 'isolation_container_escaped_processes',
      type: 'gauge',
      help:
        'Processes of the container that are in the mount, pid or user namespace of the host while its init is not: ' +
        '/proc/<pid>/ns of all processes in its cgroup. Absent if unknown, or in a sandbox.',
      value: ({ sandbox, escapedProcesses }) => (sandbox?.kernel === 'shared' ? escapedProcesses : undefined),
    },
  ],
});

function apparmorOf(label: LsmLabel | undefined): string {
  if (label?.lsm !== 'apparmor') return '';
  return label.mode === '' ? label.profile : `${label.profile} (${label.mode})`;
}

function selinuxOf(label: LsmLabel | undefined): string {
  return label?.lsm === 'selinux' ? label.type : '';
}

function userOf({ users }: ProcessPosture): string {
  return users?.ownUid === undefined ? '' : String(users.ownUid);
}

function textOf(fact: boolean | undefined): string {
  return fact === undefined ? '' : String(fact);
}
