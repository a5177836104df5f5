import { answer, type Answer } from './answer.ts';
import { type Finding, type Subject, withPosture } from './finding.ts';
import { refer } from './standards/references.ts';

/** Findings about the resources that a container can take from its neighbours. */
export const resourceFindings: readonly Finding[] = [
  {
    id: 'memory_unlimited',
    severity: 'medium',
    title: 'No memory limit',
    why: "It can exhaust the host's memory, and the kernel then kills processes of other containers.",
    fix: {
      docker: '--memory 512m',
      compose: 'mem_limit: 512m, or deploy.resources.limits.memory',
      kubernetes: 'resources.limits.memory',
    },
    references: [...refer('cis-docker', '5.11'), ...refer('nsa-cisa', 'resources')],
    ofSandboxes: true,
    test: unlimited('memory'),
  },
  {
    id: 'cpu_unlimited',
    severity: 'low',
    title: 'No CPU limit',
    why: 'It can use all CPU time that its neighbours do not claim.',
    fix: {
      docker: '--cpus 1',
      compose: 'cpus: 1, or deploy.resources.limits.cpus',
      kubernetes: 'resources.limits.cpu',
    },
    references: [...refer('cis-docker', '5.12'), ...refer('nsa-cisa', 'resources')],
    ofSandboxes: true,
    test: unlimited('cpu'),
  },
  {
    id: 'pids_unlimited',
    severity: 'medium',
    title: 'No limit on processes',
    why: "A fork bomb in it can use up the host's pids.",
    fix: {
      docker: '--pids-limit 200',
      compose: 'pids_limit: 200',
      kubernetes: 'podPidsLimit in the configuration of the kubelet',
    },
    references: [...refer('cis-docker', '5.29'), ...refer('nsa-cisa', 'resources')],
    ofSandboxes: true,
    test: unlimited('pids'),
  },
  {
    id: 'ulimits_raised',
    severity: 'info',
    title: "Higher ulimits than the engine's",
    why: 'Its processes have higher limits than the host gives its own services.',
    fix: {
      docker: 'remove --ulimit, or lower it',
      compose: 'remove ulimits, or lower them',
      kubernetes: 'change the limits in the unit of the container runtime',
    },
    references: [],
    test: withPosture(({ raisedUlimits: raised }) => answer(raised === undefined ? undefined : raised.length > 0)),
    evidence: ({ raisedUlimits: raised }) => raised ?? [],
  },
  {
    id: 'oom_score_protected',
    severity: 'low',
    title: 'Protected from the OOM killer',
    why: 'Its oom_score_adj is below 0, so the kernel kills other processes first when memory runs out.',
    fix: {
      docker: 'remove --oom-score-adj and --oom-kill-disable',
      compose: 'remove oom_score_adj and oom_kill_disable',
      kubernetes: 'expected for Guaranteed and critical pods; otherwise change the QoS class of the pod',
    },
    references: [],
    test: withPosture(({ oomScoreAdj }) => answer(oomScoreAdj === undefined ? undefined : oomScoreAdj < 0)),
  },
  {
    id: 'unusual_cgroup_parent',
    severity: 'info',
    title: 'Unusual cgroup parent',
    why: "It is outside the cgroup that holds the engine's containers, so limits set there do not apply to it.",
    fix: {
      docker: 'remove --cgroup-parent',
      compose: 'remove cgroup_parent',
      kubernetes: 'the kubelet sets it',
    },
    references: [...refer('cis-docker', '5.25')],
    ofSandboxes: true,
    test: ({ cgroup: { engine, path } }) => answer(engine === 'docker' && !USUAL_PARENT.test(path)),
  },
];

/** The default parents of Docker under both drivers, of rootless Docker, Kubernetes and Amazon ECS. */
const USUAL_PARENT = /(?:^|\/)(?:docker|system\.slice|user\.slice|ecs|[\w-]*kubepods[^/]*)(?:\/|:)/;

function unlimited(resource: 'memory' | 'cpu' | 'pids'): (subject: Subject) => Answer {
  return ({ limited }) => {
    const found = limited[resource];
    return answer(found === undefined ? undefined : !found);
  };
}
