import type { Container, ContainerCgroup, Namespaces } from '../container.ts';
import { type Accepted, type Acceptance, withAccepted } from '../findings/acceptance.ts';
import type { Answer } from '../findings/answer.ts';
import { assess, type Assessed, type Assessment } from '../findings/assess.ts';
import { LEVELS } from '../findings/level.ts';
import type { HostNamespaces, NamespaceKind } from '../kernel/host-namespaces.ts';
import {
  type Collector,
  defineContainerCollector,
  NAMESPACE_REMEDY,
  type PatternFamily,
  type PatternSample,
  type Scrape,
} from './collector.ts';
import { type Limited, limitsOfContainer } from './effective-limits.ts';

/** The assessment of a container. */
export interface ContainerAssessment extends Assessment {
  /** Why one of the container's limits is unknown; absent if its cgroups could be read. */
  readonly problem?: Error;
}

/** An assessment and what it used. All other inputs belong to the container's cgroup. */
interface Known {
  readonly posture: Container['posture'];
  readonly namespaces: Namespaces | undefined;
  readonly hostNamespaces: HostNamespaces;
  readonly limited: Limited;
  readonly accepted: Accepted | undefined;
  readonly assessment: ContainerAssessment;
  /** The acceptances among its findings. */
  readonly used: readonly Acceptance[];
}

/** The last assessment of each container. */
const assessments = new WeakMap<ContainerCgroup, Known>();

/** Assesses a container from the data of this scrape. What depends on a file that cannot be read is unknown. */
export function assessmentOf(container: Container, scrape: Scrape): ContainerAssessment {
  const { assessment, used } = knownOf(container, scrape);
  for (const acceptance of used) scrape.acceptances?.used(acceptance);
  return assessment;
}

function knownOf(container: Container, scrape: Scrape): Known {
  const { limited, problem } = limitsOfContainer(container, scrape);
  const accepted = scrape.acceptances?.of(container);
  const { posture, cgroup, init } = container;
  const inputs = { posture, namespaces: init?.namespaces, hostNamespaces: scrape.hostNamespaces, limited, accepted };
  const known = assessments.get(cgroup);
  if (known !== undefined && known.assessment.problem === problem && isOf(known, inputs)) return known;
  const judged = assess({
    posture,
    hostNamespaces: hostNamespacesOf(container, scrape),
    limited,
    cgroup: { path: cgroup.path, engine: cgroup.match.engine },
  });
  const assessment = {
    ...judged,
    findings: share(judged.findings, accepted),
    ...(problem !== undefined && { problem }),
  };
  const used = new Set(assessment.findings.flatMap((each) => each.accepted ?? []));
  const found = { ...inputs, assessment, used: [...used] };
  assessments.set(cgroup, found);
  return found;
}

function isOf(known: Known, now: Omit<Known, 'assessment' | 'used'>): boolean {
  return (
    known.posture === now.posture &&
    known.namespaces === now.namespaces &&
    known.hostNamespaces === now.hostNamespaces &&
    known.accepted === now.accepted &&
    isSame(known.limited, now.limited)
  );
}

function isSame(a: Limited, b: Limited): boolean {
  return a.memory === b.memory && a.cpu === b.cpu && a.pids === b.pids;
}

const FINDING = {
  name: 'isolation_container_finding',
  type: 'gauge',
  help:
    'The container has this isolation problem (1), see docs/findings.md. Absent if it does not have it, and if that is unknown: ' +
    'isolation_container_finding_unknown. With --collector.findings.all also 0 if it does not have it.',
} as const;

const UNKNOWN = {
  name: 'isolation_container_finding_unknown',
  type: 'gauge',
  help:
    'It is unknown whether the container has this isolation problem (1): a fact could not be read, or the container is in ' +
    'a sandbox, whose inside the host does not see. Absent if it is known.',
} as const;

const ACCEPTED = {
  name: 'isolation_container_finding_accepted',
  type: 'gauge',
  help:
    'Somebody accepted this isolation problem of the container (1), by an entry of --findings.accept-file. Absent if nobody did, ' +
    'if the acceptance has expired, and if the container does not have the problem.',
} as const;

/** Findings and isolation level of each container. "No" is no series: nearly all answers are no. */
export const findings: Collector = defineContainerCollector({
  name: 'findings',
  help: 'What is wrong with the isolation of each container, and its isolation level.',
  remedy: NAMESPACE_REMEDY,
  read: assessmentOf,
  problem: ({ problem }) => problem,
  families: [
    {
      name: 'isolation_container_isolation_level',
      type: 'gauge',
      help:
        `Isolation level of the container, by kind of boundary: ${LEVELS.map((name, level) => `${level} ${name}`).join(', ')}. ` +
        'Unknown facts count as the worst case, so this is a lower bound. Absent if none of its processes is visible.',
      value: ({ isolationLevel }) => isolationLevel?.level,
    },
    {
      name: 'isolation_container_isolation_level_certain',
      type: 'gauge',
      help: 'Whether the isolation level is certain (1), or unknown facts could raise it (0). Absent if the level is absent.',
      value: ({ isolationLevel }) => (isolationLevel === undefined ? undefined : Number(isolationLevel.certain)),
    },
    ofAnswers(FINDING, { yes: 1 }),
    ofAnswers(UNKNOWN, { unknown: 1 }),
    ofAnswers(ACCEPTED, { yes: 1 }, isAccepted),
  ],
});

const FINDING_WITH_NO = ofAnswers(FINDING, { yes: 1, no: 0 });

/** {@link findings} with each known answer, as `--collector.findings.all` asks for. */
export const allFindings: Collector = {
  ...findings,
  families: findings.families.map((family) => (family.name === FINDING.name ? FINDING_WITH_NO : family)),
};

function isAccepted({ accepted }: Assessed): boolean {
  return accepted !== undefined;
}

/**
 * A family with a sample for each finding with one of these answers that is `counted`. Rendered once for containers with equal
 * answers.
 */
function ofAnswers(
  header: Pick<PatternFamily<Assessment>, 'name' | 'type' | 'help'>,
  values: Readonly<Partial<Record<Answer, number>>>,
  counted: (assessed: Assessed) => boolean = () => true,
): PatternFamily<Assessment> {
  const patterns = new WeakMap<readonly Assessed[], readonly PatternSample[]>();
  return {
    ...header,
    labels: ['finding', 'severity'],
    pattern({ findings: assessed }) {
      let pattern = patterns.get(assessed);
      if (pattern === undefined) {
        pattern = assessed.filter(counted).flatMap(({ finding, answer }) => {
          const value = values[answer];
          return value === undefined ? [] : [[value, finding.id, finding.severity] as const];
        });
        patterns.set(assessed, pattern);
      }
      return pattern;
    },
  };
}

/** The answers of a container. Most containers of a host have equal answers, so each set of answers is stored once. */
const shared = new Map<string, readonly Assessed[]>();

/** The maximum number of cached sets of answers. */
const MOST_SHARED = 1000;

/** The same with what is accepted. Containers with the same acceptances have the same object of them. */
const sharedAccepted = new WeakMap<readonly Assessed[], WeakMap<Accepted, readonly Assessed[]>>();

function share(assessed: readonly Assessed[], accepted: Accepted | undefined): readonly Assessed[] {
  const plain = sharePlain(assessed);
  if (accepted === undefined) return plain;
  const known = sharedAccepted.get(plain) ?? new WeakMap<Accepted, readonly Assessed[]>();
  sharedAccepted.set(plain, known);
  const marked = known.get(accepted) ?? withAccepted(plain, accepted);
  known.set(accepted, marked);
  return marked;
}

function sharePlain(assessed: readonly Assessed[]): readonly Assessed[] {
  const key = assessed.map(({ answer }) => answer).join();
  const known = shared.get(key);
  if (known !== undefined) return known;
  if (shared.size >= MOST_SHARED) shared.clear();
  shared.set(key, assessed);
  return assessed;
}

/** For each kind of namespace, whether the container is in the host's; absent if unknown. */
export function hostNamespacesOf(
  { init, posture }: Container,
  scrape: Scrape,
): Readonly<Partial<Record<NamespaceKind, boolean>>> {
  const found: Partial<Record<NamespaceKind, boolean>> = {};
  for (const [kind, { inode }] of scrape.hostNamespaces) {
    const own = init?.namespaces[kind];
    if (own !== undefined) found[kind] = own === inode;
  }
  // Files that need no privilege also show three of the kinds.
  const pid = found.pid ?? posture?.init.hostPid;
  const user = found.user ?? posture?.init.users?.isHost;
  const mnt = found.mnt ?? posture?.mounts?.isHost;
  return {
    ...found,
    ...(pid !== undefined && { pid }),
    ...(user !== undefined && { user }),
    ...(mnt !== undefined && { mnt }),
  };
}
