import { all, answer, any, not } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { ofMounts } from './mount-evidence.ts';
import { inHostUsers } from './privileges.ts';
import { ifSocketsUnknown, isProcUnmasked, isWellMapped, mounts, propagates, some } from './restrictions.ts';
import { refer } from './standards/references.ts';

const WITHOUT_THE_MOUNT = {
  docker: 'remove the -v or --mount, or mount only the file it needs, read-only',
  compose: 'remove it from volumes, or mount only the file it needs with :ro',
  kubernetes: 'remove the hostPath volume, or mount only the file it needs with readOnly: true',
};

/** Findings about mounts from the host, devices, and the container's own root file system. */
export const mountFindings: readonly Finding[] = [
  {
    id: 'engine_socket',
    severity: 'critical',
    title: 'Engine socket, or a directory that contains one',
    why: 'Access to the engine is enough to start a privileged container, and a read-only mount does not prevent connecting.',
    fix: {
      docker:
        'remove the mount; if the socket is needed, put a proxy in between that passes only the required requests',
      compose: 'the same as for docker',
      kubernetes: 'remove the hostPath volume; use the Kubernetes API with a service account',
    },
    references: [
      ...refer('cis-docker', '5.32'),
      ...refer('pss-baseline', 'HostPath Volumes'),
      ...refer('nsa-cisa', 'host-paths'),
      ...refer('mitre-attack', 'T1609', 'T1610', 'T1611'),
    ],
    ...ofMounts(({ kind }) => kind === 'socket'),
    test: withPosture((posture) =>
      any(
        mounts(posture, ({ kind }) => kind === 'socket'),
        ifSocketsUnknown(posture),
      ),
    ),
  },
  {
    id: 'host_root_mounted',
    severity: 'critical',
    title: "The host's root directory",
    why: 'It can read everything on the host, and mounts below it are often writable even if the mount itself is read-only.',
    fix: WITHOUT_THE_MOUNT,
    references: [
      ...refer('cis-docker', '5.6'),
      ...refer('pss-baseline', 'HostPath Volumes'),
      ...refer('nsa-cisa', 'host-paths'),
      ...refer('mitre-attack', 'T1611'),
    ],
    ...ofMounts(({ kind }) => kind === 'root'),
  },
  {
    id: 'critical_host_path_writable',
    severity: 'critical',
    title: 'Critical host path, writable',
    why: 'Write access to /etc, /root, /boot, /dev, /proc or /var/lib/kubelet of the host is enough to become root there.',
    fix: WITHOUT_THE_MOUNT,
    references: [
      ...refer('cis-docker', '5.6'),
      ...refer('pss-baseline', 'HostPath Volumes'),
      ...refer('nsa-cisa', 'host-paths'),
      ...refer('mitre-attack', 'T1611'),
    ],
    ...ofMounts(({ kind, writable }) => kind === 'critical' && writable),
  },
  {
    id: 'sensitive_path_mounted',
    severity: 'medium',
    title: 'System directory of the host, or the socket of a service',
    why: 'It exposes secrets, other containers or programs of the host, even read-only, or leads to a service that runs as root, such as D-Bus.',
    fix: WITHOUT_THE_MOUNT,
    references: [
      ...refer('cis-docker', '5.6'),
      ...refer('pss-baseline', 'HostPath Volumes'),
      ...refer('nsa-cisa', 'host-paths'),
    ],
    ...ofMounts(({ kind, writable }) => kind === 'sensitive' || (kind === 'critical' && !writable)),
  },
  {
    id: 'host_path_mounted',
    severity: 'low',
    title: 'File or directory of the host',
    why: "What the container writes there stays on the host, outside the container's limits and under names that others trust.",
    fix: {
      docker: 'use a named volume',
      compose: 'use a named volume',
      kubernetes: 'use a PersistentVolumeClaim, an emptyDir or a ConfigMap',
    },
    references: [...refer('pss-baseline', 'HostPath Volumes'), ...refer('nsa-cisa', 'host-paths')],
    ...ofMounts(() => true),
  },
  {
    id: 'mount_propagation_to_host',
    severity: 'medium',
    title: 'Mounts made inside propagate to the host',
    why: 'With shared propagation it can mount file systems over directories of the host.',
    fix: {
      docker: 'remove :shared and :rshared from -v',
      compose: 'remove bind.propagation: rshared',
      kubernetes: 'mountPropagation: None or HostToContainer',
    },
    references: [...refer('cis-docker', '5.20')],
    test: withPosture(propagates),
    evidence: ({ mounts: known }) => known?.propagating ?? [],
  },
  {
    id: 'proc_unmasked',
    severity: 'medium',
    title: 'Dangerous files in /proc are accessible',
    why: 'Without masks, /proc exposes kernel memory and keys, and kernel settings are writable.',
    fix: {
      docker: 'remove --security-opt systempaths=unconfined',
      compose: 'remove systempaths=unconfined from security_opt',
      kubernetes: 'securityContext.procMount: Default',
    },
    references: [...refer('pss-baseline', '/proc Mount Type')],
    test: withPosture((posture) => all(not(isWellMapped(posture)), isProcUnmasked(posture))),
  },
  {
    id: 'sys_writable',
    severity: 'medium',
    title: '/sys is writable',
    why: "As root it can change the host's devices and drivers, or make the kernel start a program on the host.",
    fix: {
      docker: 'remove --privileged, and do not mount /sys',
      compose: 'the same as for docker',
      kubernetes: 'remove securityContext.privileged and the hostPath volume',
    },
    references: [],
    test: withPosture((posture) => all(inHostUsers(posture), answer(posture.mounts?.sysWritable))),
  },
  {
    id: 'cgroup_writable',
    severity: 'medium',
    title: 'The cgroup file system is writable',
    why: 'As root it can lift its own limits, and on cgroup v1 make the kernel start a program on the host.',
    fix: {
      docker: 'remove --privileged, and mount /sys/fs/cgroup read-only',
      compose: 'the same as for docker',
      kubernetes: 'remove securityContext.privileged, and mount cgroups with readOnly: true',
    },
    references: [],
    test: withPosture((posture) => all(inHostUsers(posture), answer(posture.mounts?.cgroupWritable))),
  },
  {
    id: 'root_file_system_writable',
    severity: 'low',
    title: 'The root file system is writable',
    why: 'An attacker can add programs and change existing ones.',
    fix: {
      docker: '--read-only, with --tmpfs or volumes for writable data',
      compose: 'read_only: true, with tmpfs or volumes for writable data',
      kubernetes: 'securityContext.readOnlyRootFilesystem: true, with emptyDir volumes',
    },
    references: [
      ...refer('cis-docker', '5.13'),
      ...refer('nsa-cisa', 'immutable-file-system'),
      ...refer('mitre-attack', 'T1611'),
    ],
    test: withPosture(({ mounts: known }) => {
      const readOnly = known?.rootReadOnly;
      return answer(readOnly === undefined ? undefined : !readOnly);
    }),
  },
  {
    id: 'all_devices',
    severity: 'critical',
    title: 'All devices of the host',
    why: "Through the host's disks it can read and write every file there, regardless of permissions.",
    fix: {
      docker: 'remove --privileged and --device-cgroup-rule; add single devices with --device',
      compose: 'remove privileged and device_cgroup_rules; use devices',
      kubernetes: 'remove securityContext.privileged; use device plugins',
    },
    references: [...refer('cis-docker', '5.18')],
    // Only cgroup v1 shows which devices are allowed.
    test: withPosture(({ devices: { allowed } }) => answer(allowed === undefined ? undefined : allowed === 'all')),
  },
  {
    id: 'block_device',
    severity: 'high',
    title: 'Block device of the host',
    why: 'Raw access to a disk exposes every file on it.',
    fix: {
      docker: 'remove the --device; mount the file system instead',
      compose: 'remove it from devices; mount the file system instead',
      kubernetes: 'use a volume with volumeMode: Filesystem',
    },
    references: [...refer('cis-docker', '5.18')],
    test: withPosture((posture) => some(posture.devices.blockDevices)),
    evidence: ({ devices }) => devices.blockDevices ?? [],
  },
  {
    id: 'added_devices',
    severity: 'medium',
    title: 'Devices beyond the default set',
    why: 'A device exposes its kernel driver, and hardware that knows nothing of containers.',
    fix: {
      docker: 'remove every --device that it does not need',
      compose: 'remove every entry of devices that it does not need',
      kubernetes: 'use device plugins',
    },
    references: [...refer('cis-docker', '5.18')],
    test: withPosture(({ devices: { allowed, blockDevices } }) =>
      any(answer(allowed === undefined ? undefined : allowed !== 'usual'), some(blockDevices)),
    ),
  },
];
