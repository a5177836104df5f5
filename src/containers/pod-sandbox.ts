import type { Container, ContainerCgroup } from '../container.ts';
import type { Posture } from '../posture/posture.ts';

/** One of the cgroups that may be in a pod, shown or not. */
export interface PodMember {
  readonly cgroup: ContainerCgroup;
  readonly container: Container | undefined;
}

/**
 * Gives containers without a process the posture of their pod's sandbox. Such a sandbox (gVisor) has all its processes
 * in the cgroup of the pod's first container, which is shown or is its pause; those of the others are empty.
 *
 * @param postureOf what is known of a member's processes, read if need be.
 */
export function withSandboxOfPod<Member extends PodMember>(
  containers: readonly Container[],
  members: Iterable<Member>,
  postureOf: (member: Member) => Posture | undefined,
): readonly Container[] {
  const pods = new Map<string, Member[]>();
  for (const container of containers) if (isEmpty(container)) pods.set(container.cgroup.match.podUid ?? '', []);
  if (pods.size === 0) return containers;
  for (const member of members) pods.get(member.cgroup.match.podUid ?? '')?.push(member);
  return containers.map((container) => {
    if (!isEmpty(container)) return container;
    for (const member of pods.get(container.cgroup.match.podUid ?? '') ?? []) {
      if (member.cgroup === container.cgroup) continue;
      const posture = postureOf(member);
      if (posture?.sandbox !== undefined && posture.sandbox.kernel !== 'shared') return { ...container, posture };
    }
    return container;
  });
}

function isEmpty({ cgroup, init, initError }: Container): boolean {
  return cgroup.match.podUid !== undefined && init === undefined && initError === undefined;
}
