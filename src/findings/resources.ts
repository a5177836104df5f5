import { answer, type Answer } from './answer.ts';
import { type Finding, type Subject, withPosture } from './finding.ts';

/** Findings about what a container can take from its neighbours. */
export const resourceFindings: readonly Finding[] = [
  {
    id: 'memory_unlimited',
    severity: 'medium',
    title: 'No memory limit',
    why: 'It can use the memory up, and the kernel then kills processes of others.',
    fix: {
      docker: '--memory 512m',
      compose: 'mem_limit: 512m, or deploy.resources.limits.memory',
      kubernetes: 'resources.limits.memory',
    },
    references: ['CIS Docker 5.11'],
    ofSandboxes: true,
    test: unlimited('memory'),
  },
  {
    id: 'cpu_unlimited',
    severity: 'low',
    title: 'No CPU limit',
    why: 'It can take the time of all CPUs that its neighbours do not ask for first.',
    fix: {
      docker: '--cpus 1',
      compose: 'cpus: 1, or deploy.resources.limits.cpus',
      kubernetes: 'resources.limits.cpu',
    },
    references: ['CIS Docker 5.12'],
    ofSandboxes: true,
    test: unlimited('cpu'),
  },
  {
    id: 'pids_unlimited',
    severity: 'medium',
    title: 'No limit on processes',
    why: 'A fork bomb in it leaves the host without a free pid.',
    fix: {
      docker: '--pids-limit 200',
      compose: 'pids_limit: 200',
      kubernetes: 'podPidsLimit in the configuration of the kubelet',
    },
    references: ['CIS Docker 5.29'],
    ofSandboxes: true,
    test: unlimited('pids'),
  },
  {
    id: 'ulimits_raised',
    severity: 'info',
    title: 'Higher ulimits than the engine has',
    why: 'Limits of single processes were lifted beyond what the host gives its own services.',
    fix: {
      docker: 'leave --ulimit out, or lower it',
      compose: 'remove ulimits, or lower them',
      kubernetes: 'change the limits in the unit of the container runtime',
    },
    references: ['CIS Docker 5.19'],
    test: withPosture(({ raisedUlimits: raised }) => answer(raised === undefined ? undefined : raised.length > 0)),
  },
  {
    id: 'oom_score_protected',
    severity: 'low',
    title: 'Protected from the OOM killer',
    why: 'Its oom_score_adj is below 0, so the kernel kills other processes first when memory runs out.',
    fix: {
      docker: 'leave --oom-score-adj and --oom-kill-disable out',
      compose: 'remove oom_score_adj and oom_kill_disable',
      kubernetes: 'it is what pods of the class Guaranteed and critical ones get; else change the class of the pod',
    },
    references: [],
    test: withPosture(({ oomScoreAdj }) => answer(oomScoreAdj === undefined ? undefined : oomScoreAdj < 0)),
  },
  {
    id: 'unusual_cgroup_parent',
    severity: 'info',
    title: 'Cgroup in an unusual place',
    why: 'It was put beside the cgroups that the engine keeps its containers in, and limits set for all of them miss it.',
    fix: {
      docker: 'leave --cgroup-parent out',
      compose: 'remove cgroup_parent',
      kubernetes: 'it is set by the kubelet',
    },
    references: ['CIS Docker 5.25'],
    ofSandboxes: true,
    test: ({ cgroup: { engine, path } }) => answer(engine === 'docker' && !USUAL_PARENT.test(path)),
  },
];

/** Docker's own parents under either driver, also of rootless Docker; those of Kubernetes and Amazon ECS. */
const USUAL_PARENT = /(?:^|\/)(?:docker|system\.slice|user\.slice|ecs|[\w-]*kubepods[^/]*)(?:\/|:)/;

function unlimited(resource: 'memory' | 'cpu' | 'pids'): (subject: Subject) => Answer {
  return ({ limited }) => {
    const found = limited[resource];
    return answer(found === undefined ? undefined : !found);
  };
}
