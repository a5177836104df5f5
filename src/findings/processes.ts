import { all, answer, any } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import { unlessAllSeen } from './privileges.ts';
import { hasStrongerProcess } from './restrictions.ts';

/** Findings about single processes of a container that differ from its init. */
export const processFindings: readonly Finding[] = [
  {
    id: 'process_escaped',
    severity: 'critical',
    title: 'A process escaped to a host namespace',
    why: "The container has its own mount, pid or user namespace, but one of its processes is in the host's: it broke out, or somebody entered the host from it.",
    fix: {
      docker: 'find the process by its cgroup and look at who started it; nsenter needs a privileged container',
      compose: 'the same as for docker',
      kubernetes: 'the same as for docker; kubectl debug node makes such processes',
    },
    references: [],
    test: withPosture(({ escapedProcesses: left }) => answer(left === undefined ? undefined : left > 0)),
  },
  {
    id: 'stronger_process',
    severity: 'high',
    title: 'A process may do more than the container',
    why: 'A process has capabilities that the init cannot have, or is without its seccomp filter or profile, as by docker exec --privileged.',
    fix: {
      docker: 'leave --privileged out of docker exec',
      compose: 'leave --privileged out of docker compose exec',
      kubernetes: 'find out who entered it: kubectl exec gives no more than the container has',
    },
    references: ['CIS Docker 5.23'],
    test: withPosture(hasStrongerProcess),
  },
  {
    id: 'root_process_beside_user',
    severity: 'medium',
    title: 'A process is root where the container is not',
    why: 'The container runs as a user and a process in it as root, as by docker exec --user root or a setuid program.',
    fix: {
      docker: 'leave --user root out of docker exec; --security-opt no-new-privileges',
      compose: 'leave --user root out of docker compose exec; security_opt: [no-new-privileges:true]',
      kubernetes: 'securityContext.allowPrivilegeEscalation: false',
    },
    references: ['CIS Docker 5.24'],
    test: withPosture((posture) =>
      all(
        answer(posture.init.uid !== rootUidOf(posture.init)),
        any(...posture.processes.map((process) => answer(process.uid === rootUidOf(process))), unlessAllSeen(posture)),
      ),
    ),
  },
  {
    id: 'ssh_server',
    severity: 'low',
    title: 'An SSH server',
    why: 'It is a second way in, with keys and users that nobody manages from outside.',
    fix: {
      docker: 'use docker exec, and leave sshd out of the image',
      compose: 'use docker compose exec, and leave sshd out of the image',
      kubernetes: 'use kubectl exec, and leave sshd out of the image',
    },
    references: ['CIS Docker 5.7'],
    test: withPosture((posture) =>
      any(...posture.processes.map(({ name }) => answer(name === 'sshd')), unlessAllSeen(posture)),
    ),
  },
];

/** Root's uid in a process's own user namespace, as the host counts. */
function rootUidOf({ users }: { readonly users: { readonly rootUid: number | undefined } | undefined }): number {
  return users?.rootUid ?? 0;
}
