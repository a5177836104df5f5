import { TAKEOVER_CAPABILITIES } from '../src/findings/privileges.ts';
import { values } from './colours.ts';
import type { Column } from './table.ts';

/** Host paths mounted in a container. */
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

/** How a container is confined. Weaker settings than the defaults of engines have a colour. */
export const SECURITY_COLUMNS: readonly Column[] = [
  { field: 'seccomp', header: 'Seccomp', mappings: values({ disabled: ['disabled', 'red'] }) },
  { field: 'apparmor', header: 'AppArmor', mappings: values({ unconfined: ['unconfined', 'orange'] }) },
  { field: 'selinux', header: 'SELinux' },
  { field: 'user', header: 'User' },
  { field: 'no_new_privs', header: 'No new privileges' },
  { field: 'rootfs', header: 'Root filesystem' },
];

/** Colours for capabilities. SYS_PTRACE is only dangerous together with the host's pid namespace. */
export const CAPABILITY_NAMES = values({
  ...Object.fromEntries(TAKEOVER_CAPABILITIES.map((name) => [name, [name, 'red']] as const)),
  SYS_PTRACE: ['SYS_PTRACE', 'orange'],
});

/** The description of the tables of mounts. */
export const HOST_MOUNTS = {
  title: 'Host mounts',
  what: 'Host files and directories reachable from the container: the root directory, an engine socket, files that control the host (critical) or sensitive ones.',
  from: '/proc/<pid>/mountinfo of the init process, compared with that of PID 1.',
  red: 'an engine socket or a writable critical path is equivalent to root on the host. Mount less, or read-only.',
};
