import type { ProcessPosture } from '../posture/posture.ts';
import { all, answer, any, type Answer, not } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { unlessAllSeen } from './privileges.ts';
import { hasStrongerProcess, strengthOf } from './restrictions.ts';
import { refer } from './standards/references.ts';

/** Findings about single processes of a container that differ from its init. */
export const processFindings: readonly Finding[] = [
  {
    id: 'process_escaped',
    severity: 'critical',
    title: 'A process escaped to a host namespace',
    why: "The container has its own mount, pid or user namespace, but one of its processes is in the host's: it broke out, or somebody entered the host from it.",
    fix: {
      docker: 'find the process by its cgroup and who started it; nsenter needs a privileged container',
      compose: 'the same as for docker',
      kubernetes: 'the same as for docker; kubectl debug node creates such processes',
    },
    references: [...refer('mitre-attack', 'T1611')],
    test: withPosture(({ escapedProcesses: left }) => answer(left === undefined ? undefined : left > 0)),
  },
  {
    id: 'stronger_process',
    severity: 'high',
    title: 'A process has more privileges than the container',
    why: 'A process has capabilities that the init cannot have, or lacks its seccomp filter or profile, for example after docker exec --privileged.',
    fix: {
      docker: 'remove --privileged from docker exec',
      compose: 'remove --privileged from docker compose exec',
      kubernetes: 'find out who entered it: kubectl exec grants no more than the container has',
    },
    references: [...refer('cis-docker', '5.23')],
    test: withPosture(hasStrongerProcess),
    evidence: strengthOf,
  },
  {
    id: 'root_process_beside_user',
    severity: 'medium',
    title: 'A root process in a non-root container',
    why: 'The container runs as another user but one of its processes is root, for example after docker exec --user root or a setuid program.',
    fix: {
      docker: 'remove --user root from docker exec; --security-opt no-new-privileges',
      compose: 'remove --user root from docker compose exec; security_opt: [no-new-privileges:true]',
      kubernetes: 'securityContext.allowPrivilegeEscalation: false',
    },
    references: [...refer('cis-docker', '5.24')],
    test: withPosture((posture) =>
      all(not(isRoot(posture.init)), any(...posture.processes.map(isRoot), unlessAllSeen(posture))),
    ),
  },
  {
    id: 'ssh_server',
    severity: 'low',
    title: 'SSH server in the container',
    why: 'It is a second way in, with keys and users that are not managed from outside.',
    fix: {
      docker: 'use docker exec, and remove sshd from the image',
      compose: 'use docker compose exec, and remove sshd from the image',
      kubernetes: 'use kubectl exec, and remove sshd from the image',
    },
    references: [...refer('cis-docker', '5.7')],
    test: withPosture((posture) =>
      any(...posture.processes.map(({ name }) => answer(name === 'sshd')), unlessAllSeen(posture)),
    ),
  },
];

/** Whether a process is root, of the host or in its user namespace. */
function isRoot({ uid, users }: ProcessPosture): Answer {
  return uid === 0 ? 'yes' : answer(users === undefined ? undefined : uid === users.rootUid);
}
