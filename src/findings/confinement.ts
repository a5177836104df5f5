import { all, answer, any } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { unlessAllSeen } from './privileges.ts';
import { isUnconfined, isUnfiltered } from './restrictions.ts';

/** Findings about the fences around processes: seccomp, security modules, privileges they may gain, root. */
export const confinementFindings: readonly Finding[] = [
  {
    id: 'seccomp_disabled',
    severity: 'high',
    title: 'No seccomp filter',
    why: 'Every system call is open to it, also those that only attacks on the kernel have a use for.',
    fix: {
      docker: 'leave --security-opt seccomp=unconfined out',
      compose: 'remove seccomp:unconfined from security_opt',
      kubernetes: 'securityContext.seccompProfile.type: RuntimeDefault',
    },
    references: ['CIS Docker 5.22', 'Pod Security Standards, restricted: Seccomp'],
    test: withPosture((posture) => any(...posture.processes.map(isUnfiltered), unlessAllSeen(posture))),
  },
  {
    id: 'apparmor_unconfined',
    severity: 'medium',
    title: 'Not confined by AppArmor',
    why: 'The host has AppArmor, and no profile keeps this container from files and mounts that it has no business with.',
    fix: {
      docker: 'leave --security-opt apparmor=unconfined out; a profile in complain mode has to enforce',
      compose: 'remove apparmor:unconfined from security_opt',
      kubernetes: 'securityContext.appArmorProfile.type: RuntimeDefault',
    },
    references: ['CIS Docker 5.2', 'Pod Security Standards, baseline: AppArmor'],
    test: unconfinedBy('apparmor'),
  },
  {
    id: 'selinux_unconfined',
    severity: 'medium',
    title: 'Not confined by SELinux',
    why: 'The host has SELinux, and the type of this container is not one that keeps it from the files of the host.',
    fix: {
      docker: 'leave --security-opt label=disable out; run the engine with SELinux switched on',
      compose: 'remove label:disable from security_opt',
      kubernetes: 'remove securityContext.seLinuxOptions.type, or use container_t',
    },
    references: ['CIS Docker 5.3', 'Pod Security Standards, baseline: SELinux'],
    test: unconfinedBy('selinux'),
  },
  {
    id: 'new_privileges_allowed',
    severity: 'low',
    title: 'Processes may gain privileges',
    why: 'A program with the setuid bit or with file capabilities makes a process that is not root one that is.',
    fix: {
      docker: '--security-opt no-new-privileges',
      compose: 'security_opt: [no-new-privileges:true]',
      kubernetes: 'securityContext.allowPrivilegeEscalation: false',
    },
    references: ['CIS Docker 5.26', 'Pod Security Standards, restricted: Privilege Escalation'],
    test: withPosture((posture) =>
      any(
        ...posture.processes.map(({ noNewPrivileges: none }) => answer(none === undefined ? undefined : !none)),
        unlessAllSeen(posture),
      ),
    ),
  },
  {
    id: 'runs_as_root',
    severity: 'low',
    title: 'Processes run as root of the host',
    why: 'The uid 0 that a process has, or can go back to, is the one that owns the host, and all that stands between is the fences of the container.',
    fix: {
      docker: '--user UID:GID, or USER in the image; or a user namespace',
      compose: 'user: "UID:GID"',
      kubernetes: 'securityContext.runAsNonRoot: true, or hostUsers: false',
    },
    references: ['CIS Docker 4.1', 'Pod Security Standards, restricted: Running as Non-root'],
    // As the host counts: root of a user namespace of its own has another uid here.
    test: withPosture((posture) =>
      any(...posture.processes.map(({ holdsRoot }) => answer(holdsRoot)), unlessAllSeen(posture)),
    ),
  },
];

function unconfinedBy(lsm: 'apparmor' | 'selinux'): Finding['test'] {
  return withPosture((posture) =>
    any(
      ...posture.processes.map((process) =>
        process.label === undefined ? 'unknown' : all(answer(process.label.lsm === lsm), isUnconfined(process)),
      ),
      unlessAllSeen(posture),
    ),
  );
}
