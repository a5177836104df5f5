import type { Container } from '../container.ts';
import { assess, type Assessed, type Assessment } from '../findings/assess.ts';
import { LEVELS } from '../findings/level.ts';
import type { NamespaceKind } from '../kernel/host-namespaces.ts';
import {
  type Collector,
  defineContainerCollector,
  NAMESPACE_REMEDY,
  type PatternSample,
  type Scrape,
} from './collector.ts';
import { type Limited, limitsOfContainer } from './effective-limits.ts';

/** The last assessment of each container and the limits it used. All other inputs belong to the `Container` object. */
const assessments = new WeakMap<Container, { readonly limited: Limited; readonly assessment: Assessment }>();

/** Assesses a container from the data of this scrape. */
export function assessmentOf(container: Container, scrape: Scrape): Assessment {
  const { limited } = limitsOfContainer(container, scrape);
  const known = assessments.get(container);
  if (known !== undefined && isSame(known.limited, limited)) return known.assessment;
  const { posture, cgroup } = container;
  const judged = assess({
    posture,
    hostNamespaces: hostNamespacesOf(container, scrape),
    limited,
    cgroup: { path: cgroup.path, engine: cgroup.match.engine },
  });
  const assessment = { ...judged, findings: share(judged.findings) };
  assessments.set(container, { limited, assessment });
  return assessment;
}

function isSame(a: Limited, b: Limited): boolean {
  return a.memory === b.memory && a.cpu === b.cpu && a.pids === b.pids;
}

/** Findings and isolation level of each container. */
export const findings: Collector = defineContainerCollector({
  name: 'findings',
  help: 'What is wrong with the isolation of each container, and its isolation level.',
  remedy: NAMESPACE_REMEDY,
  read: assessmentOf,
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
    {
      name: 'isolation_container_finding',
      type: 'gauge',
      help: 'Whether the container has this isolation problem (1) or not (0), see docs/findings.md. Absent if unknown.',
      labels: ['finding', 'severity'],
      pattern: ({ findings: assessed }) => patternOf(assessed),
    },
  ],
});

/** The answers of a container. Most containers of a host have equal answers, so each set of answers is stored once. */
const shared = new Map<string, readonly Assessed[]>();

/** The maximum number of cached sets of answers. */
const MOST_SHARED = 1000;

function share(assessed: readonly Assessed[]): readonly Assessed[] {
  const key = assessed.map(({ answer }) => answer).join();
  const known = shared.get(key);
  if (known !== undefined) return known;
  if (shared.size >= MOST_SHARED) shared.clear();
  shared.set(key, assessed);
  return assessed;
}

const patterns = new WeakMap<readonly Assessed[], readonly PatternSample[]>();

function patternOf(assessed: readonly Assessed[]): readonly PatternSample[] {
  const known =
    patterns.get(assessed) ??
    assessed.flatMap(({ finding, answer }) =>
      answer === 'unknown' ? [] : [[answer === 'yes' ? 1 : 0, finding.id, finding.severity] as const],
    );
  patterns.set(assessed, known);
  return known;
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
