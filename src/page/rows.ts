import { isOpen } from '../findings/acceptance.ts';
import { SEVERITIES } from '../findings/finding.ts';
import type { ContainerReport, LimiterUse } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';
import type { SortKey, View } from './view.ts';

/** The containers of a view, in its order. The sort is stable. */
export function rowsOf(containers: readonly ContainerReport[], view: View): readonly ContainerReport[] {
  const sign = view.order === 'ascending' ? 1 : -1;
  const keyed = containers
    .filter((container) => isShown(container, view))
    .map((container) => ({
      container,
      keys: KEYS[view.sort](container),
      worst: badness(container),
    }));
  const sorted = keyed.toSorted((a, b) => compareAll(a.keys, b.keys, sign) || b.worst - a.worst);
  return sorted.map(({ container }) => container);
}

function isShown(container: ContainerReport, { search, level, severity, finding }: View): boolean {
  const { labels, id, image, isolationLevel } = container;
  if (search !== '') {
    const haystack = [nameOf(labels), labels.engine, image ?? '', id].join('\n').toLowerCase();
    if (!haystack.includes(search.toLowerCase())) return false;
  }
  if (level !== undefined && level !== (isolationLevel?.level ?? 'unknown')) return false;
  if (severity === undefined && finding === undefined) return true;
  return container.findings.some(
    (assessed) =>
      assessed.answer === 'yes' &&
      (finding === undefined || finding === assessed.finding.id) &&
      (severity === undefined ||
        (isOpen(assessed) && SEVERITIES.indexOf(assessed.finding.severity) <= SEVERITIES.indexOf(severity))),
  );
}

type Key = number | string | undefined;

/** The sort keys of a column, the second one for ties. Unknown values come last in either order. */
const KEYS: Readonly<Record<SortKey, (container: ContainerReport) => readonly Key[]>> = {
  name: ({ labels }) => [nameOf(labels)],
  level: ({ isolationLevel }) => [isolationLevel?.level],
  namespaces: ({ namespaces }) => [sharedIn(namespaces)],
  // Containers without a limit are sorted by use.
  memory: ({ memory }) => [shareOf(memory), memory.used],
  cpu: ({ cpu }) => [throttledShareOf(cpu), cpu.throttledSeconds],
  pids: ({ pids }) => [shareOf(pids), pids.used],
  oom: ({ oom }) => [oom.events, oom.lastKill],
  findings: (container) => [
    container.findings.some(({ answer }) => answer !== 'unknown') ? badness(container) : undefined,
  ],
};

/** Containers in a sandbox share no namespaces. */
function sharedIn(namespaces: ContainerReport['namespaces']): number | undefined {
  const known = namespaces?.filter(({ peers }) => peers !== undefined);
  return known?.length === 0
    ? undefined
    : (known?.filter(({ peers }) => peers !== 0 && peers !== 'not host').length ?? 0);
}

/** The share from which a limit is nearly reached. */
export const NEARLY_FULL = 0.9;

/**
 * The used share of a limit: of the container's own or of another cgroup's, whichever is higher; 0 without a limit. A
 * shared limit counts only when it is nearly reached. Before that its use says little about the container.
 */
export function shareOf({ limit, used, limiters }: ContainerReport['memory']): number | undefined {
  if (limit === undefined || used === undefined) return undefined;
  const nearest = nearestOf(limiters);
  return Math.max(part(used, limit), nearest === undefined ? 0 : part(nearest.used ?? 0, nearest.limit));
}

/** The limiting cgroup to show beside the container's own use: the one with the highest used share. */
export function nearestOf(limiters: readonly LimiterUse[]): LimiterUse | undefined {
  const shares = limiters.flatMap((limiter) => {
    const share = limiter.used === undefined ? undefined : part(limiter.used, limiter.limit);
    if (share === undefined || (limiter.scope === 'shared' && share < NEARLY_FULL)) return [];
    return [{ limiter, share }];
  });
  return shares.toSorted((a, b) => b.share - a.share)[0]?.limiter;
}

function part(used: number, limit: number): number {
  return limit === 0 ? 1 : used / limit;
}

/** The share of periods with work in which a quota ran out, the container's or another cgroup's. */
export function throttledShareOf({ limiters, ...own }: ContainerReport['cpu']): number | undefined {
  const shares = [own, ...limiters].flatMap(({ periods, throttledPeriods }) => {
    if (periods === undefined || throttledPeriods === undefined) return [];
    return [periods === 0 ? 0 : throttledPeriods / periods];
  });
  return shares.length === 0 ? undefined : Math.max(...shares);
}

/** One finding of a severity outweighs all findings of lower severities. Accepted ones do not count. */
function badness({ findings }: ContainerReport): number {
  return findings.reduce(
    (sum, each) =>
      isOpen(each) ? sum + 64 ** (SEVERITIES.length - 1 - SEVERITIES.indexOf(each.finding.severity)) : sum,
    0,
  );
}

function compareAll(a: readonly Key[], b: readonly Key[], sign: 1 | -1): number {
  for (const [index, key] of a.entries()) {
    const difference = compare(key, b[index], sign);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compare(a: Key, b: Key, sign: 1 | -1): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? 1 : -1;
  return a < b ? -sign : sign;
}
