import { SEVERITIES } from '../findings/finding.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';
import type { SortKey, View } from './view.ts';

/** The containers of a view, in its order. Those that are alike stay in the order in which they come. */
export function rowsOf(containers: readonly ContainerReport[], view: View): readonly ContainerReport[] {
  const sign = view.order === 'ascending' ? 1 : -1;
  const keyed = containers
    .filter((container) => isShown(container, view))
    .map((container) => ({
      container,
      key: KEYS[view.sort](container),
      worst: badness(container),
    }));
  const sorted = keyed.toSorted((a, b) => sign * compare(a.key, b.key) || b.worst - a.worst);
  return sorted.map(({ container }) => container);
}

function isShown(container: ContainerReport, { search, level, severity, finding }: View): boolean {
  const { labels, id, image, standing } = container;
  if (search !== '') {
    const haystack = [nameOf(labels), labels.engine, image ?? '', id].join('\n').toLowerCase();
    if (!haystack.includes(search.toLowerCase())) return false;
  }
  if (level !== undefined && level !== (standing?.level ?? 'unknown')) return false;
  if (severity === undefined && finding === undefined) return true;
  return container.findings.some(
    ({ finding: each, answer }) =>
      answer === 'yes' &&
      (finding === undefined || finding === each.id) &&
      (severity === undefined || SEVERITIES.indexOf(each.severity) <= SEVERITIES.indexOf(severity)),
  );
}

/** What a column is sorted by. What is unknown is less than all that is known. */
const KEYS: Readonly<Record<SortKey, (container: ContainerReport) => number | string>> = {
  name: ({ labels }) => nameOf(labels),
  level: ({ standing }) => standing?.level ?? -1,
  namespaces: ({ namespaces }) => namespaces?.filter(({ peers }) => peers !== 0).length ?? 0,
  memory: ({ memory }) => shareOf(memory) ?? -1,
  cpu: ({ cpu }) => throttledShareOf(cpu) ?? -1,
  pids: ({ pids }) => shareOf(pids) ?? -1,
  oom: ({ oom }) => oom.kills ?? -1,
  findings: badness,
};

/** How much of a limit is in use; 0 if there is none. */
export function shareOf({
  limit,
  used,
}: {
  readonly limit: number | undefined;
  readonly used: number | undefined;
}): number | undefined {
  if (limit === undefined || used === undefined) return undefined;
  return limit === 0 ? 1 : used / limit;
}

/** In how many of the periods in which there was work the quota ran out. */
export function throttledShareOf({ periods, throttledPeriods }: ContainerReport['cpu']): number | undefined {
  if (periods === undefined || throttledPeriods === undefined) return undefined;
  return periods === 0 ? 0 : throttledPeriods / periods;
}

/** One finding of a severity weighs more than all of those below. */
function badness({ findings }: ContainerReport): number {
  return findings.reduce(
    (sum, { finding, answer }) =>
      answer === 'yes' ? sum + 64 ** (SEVERITIES.length - 1 - SEVERITIES.indexOf(finding.severity)) : sum,
    0,
  );
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
