import type { Mount } from '../kernel/mountinfo.ts';
import type { HostMount, ProcessPosture } from './posture.ts';

/** A mount that a runtime makes in every container, so that it is not the user's choice. */
interface RuntimeMount {
  /** All if not given. */
  readonly engines?: readonly string[];
  readonly hostPath: RegExp;
  /** The mount point that the runtime uses. The same path elsewhere is the user's choice. */
  readonly at: RegExp;
  /** It can do no harm read-only. */
  readonly readOnly?: true;
  /** It can do no harm in a user namespace in which nobody is the host's root. */
  readonly foreignUsers?: true;
  readonly types?: readonly string[];
}

/** Interfaces of the kernel whose files belong to the host's root. */
const OF_HOST_ROOT = ['debugfs', 'tracefs', 'securityfs', 'configfs', 'pstore'];

const RUNTIME_MOUNTS: readonly RuntimeMount[] = [
  // crun masks directories by an empty one of its own, where a file system of its own would cost more:
  // … /crun/.empty-directory /proc/acpi ro,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,…
  // … /docker/runtime-runc/moby/.empty-directory /sys/firmware ro,… - tmpfs tmpfs rw,…
  { hostPath: /\/\.empty-directory$/, at: /^\/(?:proc|sys)\/./, readOnly: true },
  // LXC's common.conf and Incus mount these also in unprivileged containers, where opening them is denied:
  // … / /sys/kernel/debug rw,nosuid,nodev,noexec,relatime - debugfs none rw
  { engines: ['lxc'], hostPath: /^\/sys\//, at: /^\/sys\//, types: OF_HOST_ROOT, foreignUsers: true },
  // LXC and nspawn hold the other side of the console's pty: … /3 /dev/console rw,… - devpts devpts rw,gid=5,mode=620
  {
    engines: ['lxc', 'nspawn'],
    hostPath: /^\/dev\/pts\/\d+$/,
    at: /^\/dev\/(?:lxc\/)?(?:console|tty\d+)$/,
    types: ['devpts'],
  },
  // Incus 6: what the instance's own configuration passes to its systemd
  {
    engines: ['lxc'],
    hostPath: /\/(?:containers|virtual-machines)\/[^/]+\/credentials$/,
    at: /^\/dev\/\.(?:incus|lxd)-systemd-credentials$/,
    readOnly: true,
  },
  // nspawn: files that every user of the host can read
  {
    engines: ['nspawn'],
    hostPath: /^\/(?:etc|usr\/lib)\/os-release$/,
    at: /^\/run\/host\/os-release$/,
    readOnly: true,
  },
  { engines: ['nspawn'], hostPath: /^\/usr\/share\/zoneinfo\//, at: /^\/etc\/localtime$/, readOnly: true },
];

/** Whether a mount is one that the runtime makes by itself, and nothing can be done with it. */
export function isRuntimesOwn(
  found: Pick<HostMount, 'hostPath' | 'mountPoint' | 'writable'>,
  { type }: Pick<Mount, 'type'>,
  { engine, process }: { readonly engine: string; readonly process: Pick<ProcessPosture, 'users' | 'holdsRoot'> },
): boolean {
  return RUNTIME_MOUNTS.some(
    ({ engines, hostPath, at, readOnly, foreignUsers, types }) =>
      hostPath.test(found.hostPath) &&
      at.test(found.mountPoint) &&
      (engines?.includes(engine) ?? true) &&
      (types?.includes(type) ?? true) &&
      (readOnly !== true || !found.writable) &&
      (foreignUsers !== true || isForeign(process)),
  );
}

/** Whether it is in a user namespace of its own in which it is not the host's root. Unknown counts as no. */
function isForeign({ users, holdsRoot }: Pick<ProcessPosture, 'users' | 'holdsRoot'>): boolean {
  return users !== undefined && !users.isHost && !users.mapsHostRoot && !holdsRoot;
}
