import type { CapabilitySet } from '../kernel/capabilities.ts';
import type { LsmLabel } from '../kernel/lsm-label.ts';
import type { SeccompMode } from '../kernel/proc-status.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * How the kernel confines a container: facts about its processes, mounts and devices. A fact that could not be read is `undefined`,
 * neither yes nor no. `findings/` evaluates the facts.
 */
export interface Posture {
  /** The kind of sandbox. `undefined`: it claims to be a sandbox, and this can be neither confirmed nor refuted. */
  readonly sandbox: Sandbox | undefined;
  /** The init process, which shows how the container was configured. */
  readonly init: ProcessPosture;
  /** All processes, including the init and those of `docker exec`. Equal processes appear only once. */
  readonly processes: readonly ProcessPosture[];
  /** Whether all processes were inspected. A container can have too many, and not every one can be read. */
  readonly allProcesses: boolean;
  /** Whether some are left out for now: one may be a runtime that enters the container, or there are too many for one look. Absent: no. */
  readonly pending?: boolean;
  /** How many processes are in a host namespace although the init is not. `undefined`: none was seen, and some were not inspected. */
  readonly escapedProcesses: number | undefined;
  /** The capabilities that the parent of the init could have granted. */
  readonly obtainable: CapabilitySet | undefined;
  readonly mounts: MountPosture | undefined;
  readonly devices: DevicePosture;
  /** Hard limits (`ulimit -H`) that are higher than those of the init's parent, by name in `/proc/<pid>/limits`. */
  readonly raisedUlimits: readonly string[] | undefined;
  /** -1000 to 1000; below 0 the OOM killer prefers other processes. */
  readonly oomScoreAdj: number | undefined;
  /** The first error because of which a fact is unknown: a missing privilege, or a file that cannot be read or parsed. */
  readonly problem: Error | undefined;
}

/** How one process is confined. */
export interface ProcessPosture {
  /** The program's name, which it can change. */
  readonly name: string;
  /** Ids as the exporter sees them: on the host, the host's ids. */
  readonly uid: number;
  /**
   * Whether any of its uids is the host's root. A process can have this uid even in a user namespace that does not map
   * root. It then owns root's files.
   */
  readonly holdsRoot: boolean;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly effective: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly bounding: CapabilitySet;
  readonly noNewPrivileges: boolean | undefined;
  readonly seccomp: SeccompMode | undefined;
  readonly seccompFilters: number | undefined;
  readonly label: LsmLabel | undefined;
  readonly users: UserNamespace | undefined;
  /** In a user namespace created inside the container, as browsers do: its capabilities only apply there. */
  readonly nested: boolean;
  /** Whether it is in the host's pid namespace. */
  readonly hostPid: boolean;
  readonly hostMnt: boolean | undefined;
  /** The inode of its mount namespace; absent: unknown. */
  readonly mnt?: number;
  /** Whether it is in a host namespace in which the init is not. `undefined`: unknown. */
  readonly escaped: boolean | undefined;
}

/** Facts about a process's user namespace. */
export interface UserNamespace {
  readonly isHost: boolean;
  /** Whether an id inside maps to the host's root: then the namespace protects nothing. */
  readonly mapsHostRoot: boolean;
  /** The host's uid of root inside; `undefined` if there is no root inside. */
  readonly rootUid: number | undefined;
  /** The effective uid inside the namespace. */
  readonly ownUid: number | undefined;
  /** Whether an unprivileged user created it: only such a namespace maps a single id. */
  readonly rootless: boolean;
}

/** Facts from a container's mount table. */
export interface MountPosture {
  /**
   * Whether all of its mounts are known. The kernel shows only those below the root directory of a process, which it can change
   * (chroot). Then nothing says what else is mounted.
   */
  readonly complete: boolean;
  /** Whether it is the host's own mount table. `undefined`: the host's could not be read. */
  readonly isHost: boolean | undefined;
  readonly rootReadOnly: boolean | undefined;
  /** Whether the dangerous files of `/proc` are hidden and `/proc/sys` is read-only. */
  readonly procMasked: boolean | undefined;
  /** Whether any sysfs is writable. */
  readonly sysWritable: boolean | undefined;
  /** Whether the sysfs at `/sys` is writable. */
  readonly ownSysWritable: boolean | undefined;
  readonly cgroupWritable: boolean | undefined;
  /** Whether Sysbox has mounted its file system over parts of `/proc`. */
  readonly sysbox: boolean;
  /** Whether any is a file or directory that the kubelet keeps for a pod: it mounts some in each container that it starts. */
  readonly kubelets: boolean | undefined;
  /** Mounts from the host, as far as they are known. `undefined`: the host's mount table could not be read. */
  readonly hostMounts: readonly HostMount[] | undefined;
  /** Mount points from which mounts propagate to the host. `undefined`: as above. */
  readonly propagating: readonly string[] | undefined;
  /** Whether the host's sockets are known, which a directory above them shows to the container. */
  readonly socketsKnown: boolean;
}

/** A file or directory of the host in a container. */
export interface HostMount {
  /**
   * - `root`: the host's root directory.
   * - `socket`: the socket of an engine or of another daemon that gives root, or a directory that contains one.
   * - `critical`: write access takes over the host: `/proc`, `/dev`, `/etc`, `/root`, `/boot`, `/var/lib/kubelet`, or above.
   * - `sensitive`: other system directories of the host, and sockets of its services.
   * - `plain`: any other path.
   */
  readonly kind: 'root' | 'socket' | 'critical' | 'sensitive' | 'plain';
  readonly hostPath: string;
  readonly mountPoint: string;
  readonly writable: boolean;
  /** For a socket: whether the ids of a process allow connecting. `undefined`: unknown, or covered by another mount. */
  readonly usable?: boolean | undefined;
}

/** A container's device access. */
export interface DevicePosture {
  /**
   * The devices that the v1 rules allow: all, some beyond the default set, or only the default set. cgroup v2 does not
   * show them.
   */
  readonly allowed: 'all' | 'more' | 'usual' | undefined;
  /** Block devices from the v1 rules (`b 8:*`), otherwise from the nodes in its `/dev` (`sda`, `mapper/data`). */
  readonly blockDevices: readonly string[] | undefined;
}
