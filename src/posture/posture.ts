import type { CapabilitySet } from '../kernel/capabilities.ts';
import type { LsmLabel } from '../kernel/lsm-label.ts';
import type { SeccompMode } from '../kernel/proc-status.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * How the kernel confines a container: what was read of its processes, mounts and devices. What could not be read is
 * `undefined`, and stands neither for yes nor for no. Nothing here judges; `findings/` does.
 */
export interface Posture {
  /** When the oldest of these facts was read, in ms of `performance.now()`. */
  readonly readAt: number;
  /** What runs it. `undefined`: it may be a sandbox, and could not be told from one that only claims to be. */
  readonly sandbox: Sandbox | undefined;
  /** The process that stands for it: how it was configured. */
  readonly init: ProcessPosture;
  /** All its processes and the init, those that are alike once: what `docker exec` starts is one of them. */
  readonly processes: readonly ProcessPosture[];
  /** Whether all its processes were looked at; there can be too many. */
  readonly allProcesses: boolean;
  /** Processes that are back in a namespace of the host though the init is not. */
  readonly escapedProcesses: number | undefined;
  /** The capabilities that whoever started it could have given. */
  readonly obtainable: CapabilitySet | undefined;
  readonly mounts: MountPosture | undefined;
  readonly devices: DevicePosture;
  /** Hard limits (`ulimit -H`) that are above those of whoever started it, by their names in `/proc/<pid>/limits`. */
  readonly raisedUlimits: readonly string[] | undefined;
  /** -1000 to 1000; below 0 the OOM killer spares it. */
  readonly oomScoreAdj: number | undefined;
  /** The first missing privilege that some fact could not be read for. */
  readonly denied: Error | undefined;
}

/** How one process is confined. */
export interface ProcessPosture {
  /** The program's name, which it can change. */
  readonly name: string;
  /** Ids as this process sees them: on the host those of the host. */
  readonly uid: number;
  /**
   * Whether any of its uids is the host's root. Also one in a user namespace that does not map root holds it then, and
   * owns what root owns.
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
  /** In a user namespace that was made inside the container, as browsers do: what it may do there it may do only there. */
  readonly nested: boolean;
  /** Whether it is in the host's pid namespace. */
  readonly hostPid: boolean;
  readonly hostMnt: boolean | undefined;
  /** Whether it is in a namespace of the host in which the init is not. `undefined`: it could not be told. */
  readonly escaped: boolean | undefined;
}

/** What a process's user namespace is worth. */
export interface UserNamespace {
  readonly isHost: boolean;
  /** Whether some id inside is the host's root: then the namespace protects nothing. */
  readonly mapsHostRoot: boolean;
  /** The host's uid of root inside; `undefined` if there is no root inside. */
  readonly rootUid: number | undefined;
  /** The process's effective uid as it sees it itself. */
  readonly ownUid: number | undefined;
  /** Whether it was made by a user without root: only such a one maps a single id, its own. */
  readonly rootless: boolean;
}

/** What a container's mount table says. */
export interface MountPosture {
  /** Whether it is the host's own mount table. `undefined`: the host's could not be read. */
  readonly isHost: boolean | undefined;
  readonly rootReadOnly: boolean | undefined;
  /** Whether the dangerous files of `/proc` are hidden and `/proc/sys` is read-only. */
  readonly procMasked: boolean;
  /** Whether a sysfs can be written to. */
  readonly sysWritable: boolean;
  /** Whether the sysfs at `/sys` can be written to. */
  readonly ownSysWritable: boolean;
  readonly cgroupWritable: boolean;
  /** Whether Sysbox has put its file system over some of `/proc`. */
  readonly sysbox: boolean;
  /** What of the host is mounted. `undefined`: the host's mount table could not be read. */
  readonly hostMounts: readonly HostMount[] | undefined;
  /** Where mounts made inside show on the host. `undefined`: as above. */
  readonly propagating: readonly string[] | undefined;
}

/** A file or directory of the host in a container. */
export interface HostMount {
  /**
   * - `root`: the host's root directory.
   * - `socket`: the socket of an engine or of another daemon that gives root, or a directory with one in it.
   * - `critical`: who writes here owns the host: `/proc`, `/dev`, `/etc`, `/root`, `/boot`, `/var/lib/kubelet`, or above.
   * - `sensitive`: other directories that belong to the host's system, and sockets of its services.
   * - `plain`: any other path.
   */
  readonly kind: 'root' | 'socket' | 'critical' | 'sensitive' | 'plain';
  readonly hostPath: string;
  readonly mountPoint: string;
  readonly writable: boolean;
  /** For a socket: whether a process of the container may connect by its ids. `undefined`: not to be told, or covered. */
  readonly usable?: boolean | undefined;
}

/** What a container can do with devices. */
export interface DevicePosture {
  /** By the rules of cgroup v1: all, some beyond those that every container gets, or none. v2 does not tell. */
  readonly allowed: 'all' | 'more' | 'usual' | undefined;
  /** Block devices: by the rules of v1 (`b 8:*`), else by the nodes in its `/dev` (`sda`, `mapper/data`). */
  readonly blockDevices: readonly string[] | undefined;
}
