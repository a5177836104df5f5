import type { CgroupFiles } from './kernel/cgroup-files.ts';
import type { ProcessFiles } from './kernel/process-files.ts';
import type { NamespaceKind } from './kernel/host-namespaces.ts';
import type { Posture } from './posture/posture.ts';

/** The facts that the path of a cgroup shows. */
export interface CgroupMatch {
  /** `docker`, `podman`, `containerd`, `cri-o`, `cri` (unknown which), `lxc`, `nspawn`, … */
  readonly engine: string;
  /** The path does not identify the engine for certain: if an engine lists the container, it is that engine's. */
  readonly engineGuessed?: true;
  /** The engine's id: 64 hex digits for most, a name for LXC and nspawn. */
  readonly id: string;
  /** The Kubernetes pod, with dashes. */
  readonly podUid?: string;
  /** The id of Podman's pod, 64 hex digits. Neither a kubelet nor a runtime's interface for Kubernetes knows it. */
  readonly podmanPod?: string;
  /** The uid of the slice that contains the cgroup, for rootless engines. */
  readonly ownerUid?: number;
  /** The container around it, if it is nested. */
  readonly outer?: CgroupMatch;
  /** The cgroup around it in which somebody other than the host's root creates cgroups, with any names: a container, or a user's. */
  readonly territory?: string;
  /** Belongs to an engine but is not a workload: conmon, a monitor, a VM's overhead. */
  readonly infra: boolean;
}

/** Whether somebody other than the host's root can have made a cgroup and chosen its name. */
export function isMadeByOthers({ outer, territory }: CgroupMatch): boolean {
  return outer !== undefined || territory !== undefined;
}

/** Who has made a cgroup: `''` is the host's root. The territory of a cgroup that discovery has not seen is not known. */
export function makerOf({ outer, territory, ownerUid = 0 }: CgroupMatch): string {
  if (territory !== undefined) return territory;
  let outermost = outer;
  while (outermost?.outer !== undefined) outermost = outermost.outer;
  return outermost?.id ?? (ownerUid === 0 ? '' : `uid ${ownerUid}`);
}

/** A cgroup that cannot be classified before a process is in it. */
export interface Undecided {
  readonly undecided: true;
  /** The classification to use if the cgroup stays undecided. */
  readonly otherwise: CgroupMatch | undefined;
  /**
   * `starting`: the runtime is still setting it up. `empty`: it has no process, so the runtime may not have begun.
   * `unconfirmed`: its processes do not show what it is.
   */
  readonly because: 'starting' | 'empty' | 'unconfirmed';
}

/** A container's cgroup while it exists. Path and inode together identify it: a path can be reused. */
export interface ContainerCgroup {
  /** The path below the root of the hierarchy: `/docker/<id>`. */
  readonly path: string;
  readonly inode: number;
  readonly match: CgroupMatch;
  /** When discovery first saw the cgroup (`performance.now()`, ms). */
  readonly seenAt: number;
}

/** An engine's names for a container. Nothing here decides which containers exist or how isolated they are. */
export interface Names {
  readonly name?: string;
  readonly namespace?: string;
  readonly pod?: string;
  /** The name of the container inside its pod. */
  readonly containerInPod?: string;
  readonly image?: string;
  /** `runc`, `runsc`, `io.containerd.kata.v2`, … */
  readonly runtime?: string;
  readonly composeProject?: string;
  readonly composeService?: string;
  readonly swarmStack?: string;
  readonly swarmService?: string;
  /** The id of the task of a service. Each has one container. */
  readonly swarmTask?: string;
  /** Its label says that it should run, so that somebody wants to know when it does not. Docker and Podman only. */
  readonly shouldRun?: true;
  /** The chosen labels of the container, by the names under which they are exported. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The labels of the container that rules compare, by their own names. */
  readonly matchedLabels?: Readonly<Record<string, string>>;
  /**
   * A pause container, for the engine. Docker has it from a label that any image can set, so trust it only for Podman and
   * inside a pod of the kubelet.
   */
  readonly infra?: boolean;
}

/** What a container's own health check found. `starting`: not yet enough to say. */
export const HEALTH_STATUSES = ['starting', 'healthy', 'unhealthy'] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** How a container ended. A fact that the engine does not say is absent. */
export interface Exit {
  /** Of its first process. */
  readonly code?: number;
  /** Unix seconds. */
  readonly at?: number;
  /** Whether the engine says that the OOM killer killed its first process. */
  readonly oomKilled?: boolean;
}

/** What only an engine knows about the life of a container. A fact that it does not say is absent. */
export interface Life {
  /** Absent without a health check, and while the engine does not answer: nothing checks then. */
  readonly health?: HealthStatus;
  /** How often the engine restarted it because of its restart policy; absent without one. */
  readonly restarts?: number;
  /** How it last ended; absent if it never did, or if that is unknown. One that runs again keeps it. */
  readonly exit?: Exit;
}

/** How the last container with these labels ended, and what their engine keeps about it. */
export interface EngineRecord extends Pick<Life, 'restarts' | 'exit'> {
  readonly labels: Labels;
  readonly shouldRun: boolean;
  /** None of them runs. */
  readonly hasEnded: boolean;
}

/** The labels on every series of a container. The exposition omits empty ones. */
export interface Labels {
  readonly engine: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Inode numbers of namespaces. A kind is absent if the kernel lacks it or it could not be read. */
export type Namespaces = Readonly<Partial<Record<NamespaceKind, number>>>;

/** The init process of a container, and facts about it that rarely change. */
export interface InitProcess {
  readonly pid: number;
  /** Wall-clock seconds since the epoch. It moves when somebody sets the clock. */
  readonly startTime: number;
  /** The same in seconds since boot, which nobody can set. */
  readonly startedAfterBoot: number;
  readonly namespaces: Namespaces;
  /** Why the namespaces could not be read: usually a missing privilege. */
  readonly namespacesError: Error | undefined;
  /** Its files under `/proc`. */
  readonly files: ProcessFiles;
}

/**
 * The owner of a cgroup: the container itself; its Kubernetes or Podman pod, its Amazon ECS task or its own systemd
 * unit; or, `shared`, several containers and services.
 */
export type CgroupScope = 'container' | 'pod' | 'task' | 'unit' | 'shared';

/** A container as one scrape sees it. */
export interface Container {
  readonly cgroup: ContainerCgroup;
  readonly names: Names;
  /** The source of its names, as in `isolation_source_up`; `undefined` if it has none. */
  readonly namedBy?: string | undefined;
  readonly labels: Labels;
  /** What its engine says about its life; `undefined` if no engine knows it. */
  readonly life?: Life | undefined;
  /** Its cgroup files in every hierarchy. */
  readonly files: CgroupFiles;
  /** `undefined`: the container has no process, or none is visible. */
  readonly init: InitProcess | undefined;
  /** Why its processes could not be read; `undefined` if they could, or if it has none. */
  readonly initError: Error | undefined;
  /**
   * Wall-clock seconds when its cgroup came into use, so that its counters were 0: the earliest start of an init process that
   * was seen in it. A container that is started again in the same cgroup does not change it.
   */
  readonly cgroupUsedSince?: number | undefined;
  /** The facts about the container's confinement. `undefined` in the same cases as `init`. */
  readonly posture: Posture | undefined;
  /** When the oldest of the facts in `posture` was read, in ms of `performance.now()`. */
  readonly postureReadAt?: number | undefined;
}

/** Why the size of a writable layer is unknown. */
export type LayerUnknown =
  /** The root of the container is no overlay that an engine has mounted on the host. */
  | 'no_layer'
  /** The host's files cannot be reached from here. */
  | 'unreachable'
  /** The layer is on a file system that may wait for a server. */
  | 'remote'
  /** A directory of the layer, or all of it, cannot be opened. */
  | 'unreadable'
  /** The look at it does not return. */
  | 'unanswered'
  /** The count reached one of its bounds. */
  | 'too_many_files'
  | 'too_deep'
  | 'too_slow';

/** What a container has written over its image, and the file system that holds it. */
export interface WritableLayer {
  /** Disk space of its files, in bytes, or why that is unknown. */
  readonly size: { readonly bytes: number; /** Unix seconds. */ readonly at: number } | LayerUnknown;
  /** In bytes; `undefined` if unknown. */
  readonly fileSystem: { readonly device: string; readonly size: number; readonly available: number } | undefined;
  /** The missing privilege, if that is why the size is unknown. */
  readonly denied: Error | undefined;
}

/** The OOM kills of all containers, past and present, with the same labels. */
export interface OomAccount {
  readonly labels: Labels;
  /** Killed processes, as the kernel counts them; `undefined` if no source could be read. */
  readonly kills: number | undefined;
  /** How often the OOM killer killed one or more of these processes together; `undefined` as for the kills. */
  readonly events: number | undefined;
  /** Seconds since the epoch; `undefined` before the first kill, or if its time is unknown. */
  readonly lastKill: number | undefined;
  /** Why a counter could not be read; `undefined` if it could, or if there is none. */
  readonly error: Error | undefined;
}

/** How often containers with the same labels were started while the exporter ran. */
export interface Starts {
  readonly labels: Labels;
  readonly starts: number;
}

/** OOM kills on the host: kills in containers plus unattributed kills give the total. */
export interface OomCounts {
  readonly accounts: readonly OomAccount[];
  /** The total since boot; `undefined` if the kernel does not count them. */
  readonly host: number | undefined;
  /** Kills outside containers, or in a container that can no longer be identified. */
  readonly unattributed: number | undefined;
  /** Kills of containers that are no longer in {@link accounts}; `undefined` if the kernel does not count them. */
  readonly expired: number | undefined;
  /** Records of the kernel log that were overwritten before they were read; `undefined` without kernel log. */
  readonly lostRecords: number | undefined;
}
