import { all, answer, any } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { unlessAllSeen } from './privileges.ts';
import { isUnconfined, isUnfiltered } from './restrictions.ts';
import { refer } from './standards/references.ts';

/** Findings about the confinement of processes: seccomp, security modules, privilege escalation, root. */
export const confinementFindings: readonly Finding[] = [
  {
    id: 'seccomp_disabled',
    severity: 'high',
    title: 'No seccomp filter',
    why: 'It can make every system call, including those that only attacks on the kernel need.',
    fix: {
      docker: 'remove --security-opt seccomp=unconfined',
      compose: 'remove seccomp:unconfined from security_opt',
      kubernetes: 'securityContext.seccompProfile.type: RuntimeDefault',
    },
    references: [
      ...refer('cis-docker', '5.22'),
      ...refer('pss-restricted', 'Seccomp'),
      ...refer('nsa-cisa', 'seccomp'),
      ...refer('mitre-attack', 'T1611'),
    ],
    test: withPosture((posture) => any(...posture.processes.map(isUnfiltered), unlessAllSeen(posture))),
  },
  {
    id: 'apparmor_unconfined',
    severity: 'medium',
    title: 'Not confined by AppArmor',
    why: 'The host has AppArmor, but no profile restricts this container to the files and mounts it needs.',
    fix: {
      docker: 'remove --security-opt apparmor=unconfined; switch a profile in complain mode to enforce',
      compose: 'remove apparmor:unconfined from security_opt',
      kubernetes: 'securityContext.appArmorProfile.type: RuntimeDefault',
    },
    references: [...refer('cis-docker', '5.2'), ...refer('pss-baseline', 'AppArmor'), ...refer('nsa-cisa', 'apparmor')],
    test: unconfinedBy('apparmor'),
  },
  {
    id: 'selinux_unconfined',
    severity: 'medium',
    title: 'Not confined by SELinux',
    why: "The host has SELinux, but this container's type does not keep it from the host's files.",
    fix: {
      docker: 'remove --security-opt label=disable; enable SELinux in the engine',
      compose: 'remove label:disable from security_opt',
      kubernetes: 'remove securityContext.seLinuxOptions.type, or use container_t',
    },
    references: [
      ...refer('cis-docker', '5.3'),
      ...refer('pss-baseline', 'SELinux'),
      ...refer('nsa-cisa', 'selinux'),
      ...refer('mitre-attack', 'T1611'),
    ],
    test: unconfinedBy('selinux'),
  },
  {
    id: 'new_privileges_allowed',
    severity: 'low',
    title: 'Processes can gain privileges',
    why: 'A program with the setuid bit or with file capabilities gives an unprivileged process root or capabilities.',
    fix: {
      docker: '--security-opt no-new-privileges',
      compose: 'security_opt: [no-new-privileges:true]',
      kubernetes: 'securityContext.allowPrivilegeEscalation: false',
    },
    references: [
      ...refer('cis-docker', '5.26'),
      ...refer('pss-restricted', 'Privilege Escalation'),
      ...refer('nsa-cisa', 'privilege-escalation'),
    ],
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
    title: "Processes run as the host's root",
    why: 'A process has uid 0 of the host, or can switch back to it, so only the confinement of the container stands between it and the host.',
    fix: {
      docker: '--user UID:GID, or USER in the image; or a user namespace',
      compose: 'user: "UID:GID"',
      kubernetes: 'securityContext.runAsNonRoot: true, or hostUsers: false',
    },
    references: [
      ...refer('cis-docker', '4.1'),
      ...refer('pss-restricted', 'Running as Non-root', 'Running as Non-root user'),
      ...refer('nsa-cisa', 'non-root'),
      ...refer('mitre-attack', 'T1611'),
    ],
    // Uids as the host sees them: root in its own user namespace has another uid here.
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
