import { all, answer, any, not } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { inHostUsers } from './privileges.ts';
import { isWellMapped, mounts, some } from './restrictions.ts';

const WITHOUT_THE_MOUNT = {
  docker: 'leave the -v or --mount out, or mount only the file that it needs, read-only',
  compose: 'remove it from volumes, or mount only the file that it needs with :ro',
  kubernetes: 'remove the hostPath volume, or mount only the file that it needs with readOnly: true',
};

/** Findings about what of the host a container has in its file system, and about its own root. */
export const mountFindings: readonly Finding[] = [
  {
    id: 'engine_socket',
    severity: 'critical',
    title: 'Socket of an engine, or a directory with one in it',
    why: 'Whoever can talk to the engine can start a privileged container, and mounting it read-only keeps nobody from connecting.',
    fix: {
      docker: 'leave the socket out; where it is needed, put a proxy between that lets single requests through',
      compose: 'the same as for docker',
      kubernetes: 'remove the hostPath volume; use the Kubernetes API with a service account',
    },
    references: ['CIS Docker 5.32', 'Pod Security Standards, baseline: HostPath Volumes'],
    test: withPosture((posture) => mounts(posture, ({ kind }) => kind === 'socket')),
  },
  {
    id: 'host_root_mounted',
    severity: 'critical',
    title: 'Root directory of the host',
    why: 'Everything on the host can be read, and what is mounted below is often writable even where the mount itself is read-only.',
    fix: WITHOUT_THE_MOUNT,
    references: ['CIS Docker 5.6', 'Pod Security Standards, baseline: HostPath Volumes'],
    test: withPosture((posture) => mounts(posture, ({ kind }) => kind === 'root')),
  },
  {
    id: 'critical_host_path_writable',
    severity: 'critical',
    title: 'Directory that rules the host, writable',
    why: 'Whoever writes to /etc, /root, /boot, /dev, /proc or /var/lib/kubelet of the host becomes root there.',
    fix: WITHOUT_THE_MOUNT,
    references: ['CIS Docker 5.6', 'Pod Security Standards, baseline: HostPath Volumes'],
    test: withPosture((posture) => mounts(posture, ({ kind, writable }) => kind === 'critical' && writable)),
  },
  {
    id: 'sensitive_path_mounted',
    severity: 'medium',
    title: 'Directory of the system of the host, or socket of a service',
    why: 'It holds secrets, other containers or programs of the host, which even reading may give away, or leads to a service that runs as root, such as D-Bus.',
    fix: WITHOUT_THE_MOUNT,
    references: ['CIS Docker 5.6', 'Pod Security Standards, baseline: HostPath Volumes'],
    test: withPosture((posture) =>
      mounts(posture, ({ kind, writable }) => kind === 'sensitive' || (kind === 'critical' && !writable)),
    ),
  },
  {
    id: 'host_path_mounted',
    severity: 'low',
    title: 'File or directory of the host',
    why: 'What the container writes there stays on the host, past its limits and under names that others trust.',
    fix: {
      docker: 'use a named volume',
      compose: 'use a named volume',
      kubernetes: 'use a PersistentVolumeClaim, an emptyDir or a ConfigMap',
    },
    references: ['Pod Security Standards, baseline: HostPath Volumes'],
    test: withPosture((posture) => mounts(posture, () => true)),
  },
  {
    id: 'mount_propagation_to_host',
    severity: 'medium',
    title: 'Mounts made inside show on the host',
    why: 'By shared propagation it can put file systems over directories of the host.',
    fix: {
      docker: 'leave :shared and :rshared out of -v',
      compose: 'remove bind.propagation: rshared',
      kubernetes: 'mountPropagation: None or HostToContainer',
    },
    references: ['CIS Docker 5.20'],
    test: withPosture((posture) => some(posture.mounts?.propagating)),
  },
  {
    id: 'proc_unmasked',
    severity: 'medium',
    title: 'Dangerous files of /proc are open',
    why: 'Without masks /proc shows memory and keys of the kernel, and its settings can be written.',
    fix: {
      docker: 'leave --security-opt systempaths=unconfined out',
      compose: 'remove systempaths=unconfined from security_opt',
      kubernetes: 'securityContext.procMount: Default',
    },
    references: ['Pod Security Standards, baseline: /proc Mount Type'],
    test: withPosture((posture) =>
      all(not(isWellMapped(posture)), answer(posture.mounts === undefined ? undefined : !posture.mounts.procMasked)),
    ),
  },
  {
    id: 'sys_writable',
    severity: 'medium',
    title: '/sys can be written to',
    why: 'As root it changes the devices and drivers of the host, or has the kernel start a program there.',
    fix: {
      docker: 'leave --privileged out, and do not mount /sys',
      compose: 'the same as for docker',
      kubernetes: 'remove securityContext.privileged and the hostPath volume',
    },
    references: ['CIS Docker 5.6'],
    test: withPosture((posture) => all(inHostUsers(posture), answer(posture.mounts?.sysWritable))),
  },
  {
    id: 'cgroup_writable',
    severity: 'medium',
    title: 'Cgroup file system can be written to',
    why: 'As root it lifts its own limits, and on cgroup v1 has the kernel start a program on the host.',
    fix: {
      docker: 'leave --privileged out, and mount /sys/fs/cgroup read-only',
      compose: 'the same as for docker',
      kubernetes: 'remove securityContext.privileged, and mount cgroups with readOnly: true',
    },
    references: [],
    test: withPosture((posture) => all(inHostUsers(posture), answer(posture.mounts?.cgroupWritable))),
  },
  {
    id: 'root_file_system_writable',
    severity: 'low',
    title: 'Root file system can be written to',
    why: 'An attacker can leave programs and change those that are there.',
    fix: {
      docker: '--read-only, with --tmpfs or volumes for what has to be written',
      compose: 'read_only: true, with tmpfs or volumes for what has to be written',
      kubernetes: 'securityContext.readOnlyRootFilesystem: true, with emptyDir volumes',
    },
    references: ['CIS Docker 5.13'],
    test: withPosture(({ mounts: known }) => {
      const readOnly = known?.rootReadOnly;
      return answer(readOnly === undefined ? undefined : !readOnly);
    }),
  },
  {
    id: 'all_devices',
    severity: 'critical',
    title: 'All devices of the host',
    why: 'With the disks of the host it reads and writes every file there, past all permissions.',
    fix: {
      docker: 'leave --privileged and --device-cgroup-rule out; give single devices with --device',
      compose: 'remove privileged and device_cgroup_rules; use devices',
      kubernetes: 'remove securityContext.privileged; use device plugins',
    },
    references: ['CIS Docker 5.18'],
    // Only v1 says what is allowed.
    test: withPosture(({ devices: { allowed } }) => answer(allowed === undefined ? undefined : allowed === 'all')),
  },
  {
    id: 'block_device',
    severity: 'high',
    title: 'Block device of the host',
    why: 'A disk that can be read or written as a device gives away every file on it.',
    fix: {
      docker: 'leave the --device out; mount the file system instead',
      compose: 'remove it from devices; mount the file system instead',
      kubernetes: 'use a volume with volumeMode: Filesystem',
    },
    references: ['CIS Docker 5.18'],
    test: withPosture((posture) => some(posture.devices.blockDevices)),
  },
  {
    id: 'added_devices',
    severity: 'medium',
    title: 'Devices beyond those that every container has',
    why: 'A device leads to its driver in the kernel, and to hardware that knows no containers.',
    fix: {
      docker: 'leave out the --device that it does not need',
      compose: 'remove what it does not need from devices',
      kubernetes: 'use device plugins',
    },
    references: ['CIS Docker 5.18'],
    test: withPosture(({ devices: { allowed, blockDevices } }) =>
      any(answer(allowed === undefined ? undefined : allowed !== 'usual'), some(blockDevices)),
    ),
  },
];
