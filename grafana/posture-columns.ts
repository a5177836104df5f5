import { TAKEOVER_CAPABILITIES } from '../src/findings/privileges.ts';
import { values } from './colours.ts';
import type { Column } from './table.ts';

/** What of the host is mounted in a container. */
export const MOUNT_COLUMNS: readonly Column[] = [
  {
    field: 'kind',
    header: 'Kind',
    width: 90,
    mappings: values({
      root: ['root', 'red'],
      socket: ['socket', 'red'],
      critical: ['critical', 'orange'],
      sensitive: ['sensitive', 'text'],
    }),
  },
  { field: 'host_path', header: 'Host path' },
  { field: 'mount_point', header: 'Mount point' },
  { field: 'mode', header: 'Mode', width: 70, mappings: values({ rw: ['rw', 'orange'], ro: ['ro', 'text'] }) },
];

/** How a container is confined; what is open that engines close by default has a colour. */
export const SECURITY_COLUMNS: readonly Column[] = [
  { field: 'seccomp', header: 'Seccomp', mappings: values({ disabled: ['disabled', 'red'] }) },
  { field: 'apparmor', header: 'AppArmor', mappings: values({ unconfined: ['unconfined', 'orange'] }) },
  { field: 'selinux', header: 'SELinux' },
  { field: 'user', header: 'User' },
  { field: 'no_new_privs', header: 'No new privileges' },
  { field: 'rootfs', header: 'Root filesystem' },
];

/** Colours for capabilities. SYS_PTRACE gives the host away beside the pids of the host only. */
export const CAPABILITY_NAMES = values({
  ...Object.fromEntries(TAKEOVER_CAPABILITIES.map((name) => [name, [name, 'red']] as const)),
  SYS_PTRACE: ['SYS_PTRACE', 'orange'],
});

/** What the tables of mounts say of themselves. */
export const HOST_MOUNTS = {
  title: 'Host mounts',
  what: 'Host files and directories reachable from the container: the root directory, an engine socket, files that control the host (critical) or sensitive ones.',
  from: '/proc/<pid>/mountinfo of the init process, compared with that of PID 1.',
  red: 'an engine socket, or a writable part of the host, is as good as root on it. Mount less, or read-only.',
};
