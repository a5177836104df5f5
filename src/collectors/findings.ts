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

/** What was made of a container and the limits that this was made of: all else that counts comes with the container. */
const assessments = new WeakMap<Container, { readonly limited: Limited; readonly assessment: Assessment }>();

/** Judges a container by what this scrape knows of it. */
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

/** What is wrong with the isolation of each container, and how isolated it is in all. */
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
        `How isolated the container is, by classes of boundaries: ${LEVELS.map((name, level) => `${level} ${name}`).join(', ')}. ` +
        'What is unknown is taken for the worst, so it is at least this. Absent if none of its processes could be seen.',
      value: ({ isolationLevel }) => isolationLevel?.level,
    },
    {
      name: 'isolation_container_isolation_level_certain',
      type: 'gauge',
      help: 'Whether nothing that is unknown could make the isolation level higher (1), or something could (0). Absent with the level.',
      value: ({ isolationLevel }) => (isolationLevel === undefined ? undefined : Number(isolationLevel.certain)),
    },
    {
      name: 'isolation_container_finding',
      type: 'gauge',
      help: 'Whether something is wrong with the isolation of the container (1) or not (0), see docs/findings.md. Absent if it could not be told.',
      labels: ['finding', 'severity'],
      pattern: ({ findings: assessed }) => patternOf(assessed),
    },
  ],
});

/** Most containers of a host have the same answers as others; each set of them is kept once. */
const shared = new Map<string, readonly Assessed[]>();

/** More than any host has, so that it cannot grow for ever. */
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

/** Tells of each kind of namespace whether the container is in the host's, as far as it can be told. */
export function hostNamespacesOf(
  { init, posture }: Container,
  scrape: Scrape,
): Readonly<Partial<Record<NamespaceKind, boolean>>> {
  const found: Partial<Record<NamespaceKind, boolean>> = {};
  for (const [kind, { inode }] of scrape.hostNamespaces) {
    const own = init?.namespaces[kind];
    if (own !== undefined) found[kind] = own === inode;
  }
  // Three kinds show elsewhere too, where no privilege is needed.
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
