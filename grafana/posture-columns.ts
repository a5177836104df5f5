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
      vital: ['vital', 'orange'],
      sensitive: ['sensitive', 'text'],
    }),
  },
  { field: 'host_path', header: 'On the host' },
  { field: 'mount_point', header: 'In the container' },
  { field: 'mode', header: 'Mode', width: 70, mappings: values({ rw: ['rw', 'orange'], ro: ['ro', 'text'] }) },
];

/** How a container is confined; what is open that engines close by default has a colour. */
export const SECURITY_COLUMNS: readonly Column[] = [
  { field: 'seccomp', header: 'Seccomp', mappings: values({ disabled: ['disabled', 'red'] }) },
  { field: 'apparmor', header: 'AppArmor', mappings: values({ unconfined: ['unconfined', 'orange'] }) },
  { field: 'selinux', header: 'SELinux' },
  { field: 'user', header: 'User' },
  { field: 'no_new_privs', header: 'No new privileges' },
  { field: 'rootfs', header: 'Root file system' },
];

/** Capabilities of which each alone gives the host away. */
export const AS_GOOD_AS_ROOT = values(
  Object.fromEntries(
    ['SYS_ADMIN', 'SYS_MODULE', 'SYS_PTRACE', 'SYS_RAWIO', 'DAC_READ_SEARCH', 'BPF', 'NET_ADMIN'].map(
      (name) => [name, [name, 'red']] as const,
    ),
  ),
);
