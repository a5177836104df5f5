import type { CgroupFiles } from './kernel/cgroup-files.ts';
import type { ProcessFiles } from './kernel/process-files.ts';
import type { NamespaceKind } from './kernel/host-namespaces.ts';
import type { Posture } from './posture/posture.ts';

/** What a cgroup's path alone says of it. */
export interface CgroupMatch {
  /** `docker`, `podman`, `containerd`, `cri-o`, `cri` (which one is not to be told), `lxc`, `nspawn`, … */
  readonly engine: string;
  /** The engine's id: 64 hex digits for most, a name for LXC and nspawn. */
  readonly id: string;
  /** The Kubernetes pod, with dashes. */
  readonly podUid?: string;
  /** The user whose slice the cgroup is in, for rootless engines. */
  readonly ownerUid?: number;
  /** The container that it is in, if it is in one. */
  readonly outer?: CgroupMatch;
  /** Belongs to an engine but is no workload: conmon, a monitor, a VM's overhead. */
  readonly infra: boolean;
}

/** What a cgroup is cannot be told before a process is in it. */
export interface Undecided {
  readonly undecided: true;
  /** What it is taken for if that does not change soon. */
  readonly otherwise: CgroupMatch | undefined;
  /** The runtime is still at work in it, so it is worth waiting for longer. */
  readonly starting: boolean;
}

/** A container's cgroup, as long as it exists. Path and inode together are its identity: a path can be reused. */
export interface ContainerCgroup {
  /** Below the root of the hierarchy: `/docker/<id>`. */
  readonly path: string;
  readonly inode: number;
  readonly match: CgroupMatch;
  /** When discovery first saw it, in ms of `performance.now()`. */
  readonly seenAt: number;
}

/** What an engine calls a container. Words, never facts: nothing here decides what exists or how isolated it is. */
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
  /** Marked as a pod's pause container, which is no workload; in no pod it is but a label of some image. */
  readonly infra?: boolean;
}

/** The labels on every series of a container. Empty ones are left out of the exposition. */
export interface Labels {
  readonly engine: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Inode numbers of namespaces; a kind is absent if the kernel does not have it or it could not be read. */
export type Namespaces = Readonly<Partial<Record<NamespaceKind, number>>>;

/** The process that stands for a container, and what rarely changes about it. */
export interface InitProcess {
  readonly pid: number;
  /** Wall-clock seconds since the epoch. */
  readonly startTime: number;
  readonly namespaces: Namespaces;
  /** Why the namespaces could not be read: a missing privilege. */
  readonly namespacesError: Error | undefined;
  /** Its files under `/proc`. */
  readonly files: ProcessFiles;
}

/**
 * Whom a cgroup belongs to: the container itself; its Kubernetes or Podman pod, its Amazon ECS task or its own systemd
 * unit; or, `shared`, containers and services that have nothing to do with it.
 */
export type CgroupScope = 'container' | 'pod' | 'task' | 'unit' | 'shared';

/** A container as one scrape sees it. */
export interface Container {
  readonly cgroup: ContainerCgroup;
  readonly names: Names;
  readonly labels: Labels;
  /** Its cgroup files in every hierarchy. */
  readonly files: CgroupFiles;
  /** `undefined`: it has no process, or none that could be seen. */
  readonly init: InitProcess | undefined;
  /** Why its processes could not be read, if it was not for want of any. */
  readonly initError: Error | undefined;
  /** How the kernel confines it. `undefined`: as for `init`. */
  readonly posture: Posture | undefined;
}

/** The OOM kills of all containers, one after the other or at a time, that have or had the same labels. */
export interface OomAccount {
  readonly labels: Labels;
  /** Processes killed; `undefined` if nothing that counts them could be read. */
  readonly kills: number | undefined;
  /** Seconds since the epoch; `undefined` before the first, or if it is not known when that was. */
  readonly lastKill: number | undefined;
  /** Why a counter could not be read, if it was not for want of one. */
  readonly error: Error | undefined;
}

/** OOM kills on the host: those of containers and the others make up the total. */
export interface OomCounts {
  readonly accounts: readonly OomAccount[];
  /** Since boot; `undefined` where the kernel does not count them. */
  readonly host: number | undefined;
  /** Kills in no container, or in one that cannot be told any more. */
  readonly unattributed: number | undefined;
  /** Kills of containers that are no longer in {@link accounts}; `undefined` as for the host. */
  readonly expired: number | undefined;
  /** Records of the kernel's log that were overwritten before they were read; `undefined` without it. */
  readonly lostRecords: number | undefined;
}
