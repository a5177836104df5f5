import { capabilityNames, capabilitySet } from '../kernel/capabilities.ts';
import type { HostMount, Posture, ProcessPosture } from '../posture/posture.ts';
import { all, answer, any, type Answer, not } from './answer.ts';
import { capabilitiesOf, unlessAllSeen } from './privileges.ts';

const NET_BIND_SERVICE = capabilitySet('NET_BIND_SERVICE');

/** Whether it has its own user namespace in which nobody is the host's root. */
export function isWellMapped(posture: Posture): Answer {
  const { users } = posture.init;
  return all(answer(users === undefined ? undefined : !users.isHost), not(isHostRootInside(posture)));
}

/** Whether a process is the host's root or can become it. A process that was root before it entered needs no mapping. */
export function isHostRootInside({ init, processes }: Posture): Answer {
  return any(answer(init.users?.mapsHostRoot), ...processes.map(({ holdsRoot }) => answer(holdsRoot)));
}

/** Whether no process is root, can become root, or has other privileges of root. */
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

/** SELinux types that confine a container: those that the Pod Security Standards allow, and the old name of `container_t`. */
const CONFINED_TYPES = /^(?:container(?:_init|_kvm|_engine)?|svirt_lxc_net)_t$/;

/** Types that confine nothing, those of the host's own processes, and those of privileged containers (the last two on Bottlerocket). */
const UNCONFINED_TYPES = /^(?:spc|unconfined(?:_service)?|kernel|init|initrc|container_runtime|super|control)_t$/;

/** Whether the host has a security module that does not confine this process. */
export function isUnconfined({ label }: ProcessPosture): Answer {
  if (label === undefined) return 'unknown';
  // In a stack (`mixed`) at least one profile is enforced. The name of a profile proves nothing, even if it is `unconfined`.
  if (label.lsm === 'apparmor') return answer(['', 'complain', 'unconfined'].includes(label.mode));
  if (label.lsm !== 'selinux') return 'no';
  if (CONFINED_TYPES.test(label.type)) return 'no';
  // What a type of the host's own policy allows, such as one that udica made (`web.process`), only the policy knows.
  return UNCONFINED_TYPES.test(label.type) ? 'yes' : 'unknown';
}

/** Whether a process has privileges that the init lacks, as after `docker exec --privileged`. */
export function hasStrongerProcess(posture: Posture): Answer {
  const { init, processes } = posture;
  return any(
    ...processes.map((process) =>
      any(
        answer((capabilitiesOf(process) & ~capabilitiesOf(init)) !== 0n),
        init.seccomp === 'disabled' ? 'no' : isUnfiltered(process),
        isLessConfined(process, init),
      ),
    ),
    unlessAllSeen(posture),
  );
}

/** Types of SELinux are compared, because it can be unknown what the own type of a container allows. */
function isLessConfined(process: ProcessPosture, init: ProcessPosture): Answer {
  const isOfSameType = process.label?.lsm === 'selinux' && typeOf(process) === typeOf(init);
  return isOfSameType ? 'no' : all(isUnconfined(process), not(isUnconfined(init)));
}

function typeOf({ label }: ProcessPosture): string | undefined {
  return label?.lsm === 'selinux' ? label.type : undefined;
}

/** What a process has that the init lacks: capabilities, or that a restriction of the init is missing. */
export function strengthOf({ init, processes }: Posture): readonly string[] {
  const gained = processes.reduce((all, process) => all | capabilitiesOf(process), 0n) & ~capabilitiesOf(init);
  const lacks = (test: (process: ProcessPosture) => Answer): boolean =>
    test(init) === 'no' && processes.some((process) => test(process) === 'yes');
  return [
    ...capabilityNames(gained),
    ...(lacks(isUnfiltered) ? ['no seccomp filter'] : []),
    ...(lacks(isUnconfined) ? ['no profile of AppArmor or SELinux'] : []),
  ];
}

/** Whether any mount from the host satisfies `counts`. */
export function mounts(posture: Posture, counts: (mount: HostMount) => boolean): Answer {
  return any(answer(posture.mounts?.hostMounts?.some(counts)), ifMountsHidden(posture));
}

/** Whether mounts propagate to the host. */
export function propagates(posture: Posture): Answer {
  return any(some(posture.mounts?.propagating), ifMountsHidden(posture));
}

/** `unknown` if it has mounts that nothing shows. */
export function ifMountsHidden({ mounts: known }: Posture): Answer {
  return known?.complete === false ? 'unknown' : 'no';
}

/** `unknown` if a mount may show an engine's socket under a path that does not say so. */
export function ifSocketsUnknown({ mounts: known }: Posture): Answer {
  return known?.socketsKnown === false ? 'unknown' : 'no';
}

/** Whether the dangerous files of `/proc` are accessible. */
export function isProcUnmasked({ mounts: known }: Posture): Answer {
  return not(answer(known?.procMasked));
}

/** Whether a list that may be unknown has entries. */
export function some(list: readonly unknown[] | undefined): Answer {
  return answer(list === undefined ? undefined : list.length > 0);
}
