import { capabilitySet } from '../kernel/capabilities.ts';
import type { HostMount, Posture, ProcessPosture } from '../posture/posture.ts';
import { all, answer, any, type Answer, not } from './answer.ts';
import { capabilitiesOf, unlessAllSeen } from './privileges.ts';

const NET_BIND_SERVICE = capabilitySet('NET_BIND_SERVICE');

/** In a user namespace in which nobody is root on the host. */
export function isWellMapped(posture: Posture): Answer {
  const { users } = posture.init;
  return all(answer(users === undefined ? undefined : !users.isHost), not(isHostRootInside(posture)));
}

/** Whether somebody inside is root on the host, or can be. No map is needed by one that was root before. */
export function isHostRootInside({ init, processes }: Posture): Answer {
  return any(answer(init.users?.mapsHostRoot), ...processes.map(({ holdsRoot }) => answer(holdsRoot)));
}

/** No root, no way to become it, and nothing else that is root's. */
export function isRestricted(posture: Posture): Answer {
  return all(
    ...posture.processes.map((process) =>
      all(
        answer(!process.holdsRoot),
        answer(process.noNewPrivileges),
        answer((capabilitiesOf(process) & ~NET_BIND_SERVICE) === 0n),
      ),
    ),
    not(unlessAllSeen(posture)),
  );
}

/** Whether a process runs without seccomp. */
export function isUnfiltered({ seccomp }: ProcessPosture): Answer {
  return answer(seccomp === undefined ? undefined : seccomp === 'disabled');
}

/** The types of SELinux that confine a container: those that the Pod Security Standards allow. */
const CONFINED_TYPES = /^container(?:_init|_kvm)?_t$/;

/** Whether a security module confines others on this host, and not this process. */
export function isUnconfined({ label }: ProcessPosture): Answer {
  if (label === undefined) return 'unknown';
  // In a stack (`mixed`) at least one profile is in force. A profile's name says nothing, not even `unconfined` in it.
  if (label.lsm === 'apparmor') return answer(['', 'complain', 'unconfined'].includes(label.mode));
  if (label.lsm === 'selinux') return answer(!CONFINED_TYPES.test(label.type));
  return 'no';
}

/** Whether a process may do what the init may not: `docker exec --privileged`, or one that came in another way. */
export function hasStrongerProcess(posture: Posture): Answer {
  const { init, processes } = posture;
  return any(
    ...processes.map((process) =>
      any(
        answer((capabilitiesOf(process) & ~capabilitiesOf(init)) !== 0n),
        init.seccomp === 'disabled' ? 'no' : isUnfiltered(process),
        all(isUnconfined(process), not(isUnconfined(init))),
      ),
    ),
    unlessAllSeen(posture),
  );
}

/** Whether something of the host is mounted for which `counts` says so. */
export function mounts({ mounts: known }: Posture, counts: (mount: HostMount) => boolean): Answer {
  return answer(known?.hostMounts?.some(counts));
}

/** Whether there is any in a list that may be unknown. */
export function some(list: readonly unknown[] | undefined): Answer {
  return answer(list === undefined ? undefined : list.length > 0);
}
