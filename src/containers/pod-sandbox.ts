import type { Container, ContainerCgroup, Names } from '../container.ts';
import { isNamed } from '../engines/naming.ts';
import type { Posture } from '../posture/posture.ts';

/** A container that may be in a pod, exported or not. */
export interface PodMember {
  readonly cgroup: ContainerCgroup;
  readonly container: Container | undefined;
}

/**
 * Gives containers without a process the posture of their pod's sandbox. Such a sandbox (gVisor) has all of its processes in the
 * cgroup of the pod's first or pause container; the cgroups of the others are empty.
 *
 * @param postureOf returns the posture of a member, reading it if necessary.
 */
export function withSandboxOfPod<Member extends PodMember>(
  containers: readonly Container[],
  members: Iterable<Member>,
  postureOf: (member: Member) => Posture | undefined,
): readonly Container[] {
  const pods = new Map<string, Member[]>();
  for (const container of containers) if (isEmpty(container)) pods.set(podOf(container), []);
  if (pods.size === 0) return containers;
  for (const member of members) pods.get(podOf(member))?.push(member);
  return containers.map((container) => {
    if (!isEmpty(container)) return container;
    for (const member of pods.get(podOf(container)) ?? []) {
      if (member.cgroup === container.cgroup) continue;
      const posture = postureOf(member);
      if (posture?.sandbox !== undefined && posture.sandbox.kernel !== 'shared') return { ...container, posture };
    }
    return container;
  });
}

/** The pod, and where it is: others than the host's root can make cgroups with the name of any pod, and put a sandbox into them. */
function podOf({ cgroup }: Pick<PodMember, 'cgroup'>): string {
  const { podUid, ownerUid, territory, outer } = cgroup.match;
  return JSON.stringify([podUid, ownerUid, territory, outer?.id]);
}

function isEmpty({ cgroup, init, initError }: Container): boolean {
  return cgroup.match.podUid !== undefined && init === undefined && initError === undefined;
}

/**
 * Whether a container is a pod's sandbox. Docker only passes on a label, which any image can set. It is trusted for
 * containers of the kubelet, where images cannot set it. Podman says it itself.
 */
export function isSandbox({ match }: ContainerCgroup, { infra }: Names): boolean {
  return infra === true && (match.podUid !== undefined || match.engine === 'podman');
}

/**
 * Whether it may be the pause container of a pod by the kubelet's logs: they name other containers of the pod, and not this one. Each
 * container that the kubelet has started has a log.
 */
export function hasNoLog({ match }: ContainerCgroup, names: Names): boolean {
  return match.podUid !== undefined && names.pod !== undefined && !isNamed(names);
}

/**
 * Whether a container without a log is only a pause container. The kubelet mounts files of the pod in each container that it starts. A
 * container can unmount them if it is privileged, but not remove the log. What is unknown, or has its own kernel, is no pause.
 */
export function isPauseWithoutLog(posture: Posture | undefined): boolean {
  return posture?.sandbox?.kernel === 'shared' && posture.mounts?.kubelets === false;
}

/** Runtimes whose containers share the kernel of the host. Podman names the default one, too. */
const SHARED_KERNEL: ReadonlySet<string> = new Set(['runc', 'crun', 'youki']);

/**
 * Whether a pod's sandbox is only a pause container, which is not a workload. A sandbox with its own kernel contains all
 * containers of the pod. If that is unknown, a sandbox with a runtime of its own may be one.
 */
export function isPause({ runtime }: Names, posture: Posture | undefined): boolean {
  if (posture?.sandbox !== undefined) return posture.sandbox.kernel === 'shared';
  return runtime === undefined || SHARED_KERNEL.has(runtime);
}
