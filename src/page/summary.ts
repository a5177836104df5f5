import { isOpen } from '../findings/acceptance.ts';
import { SEVERITIES } from '../findings/finding.ts';
import { LEVELS } from '../findings/level.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { type Markup, markup } from './markup.ts';
import { nameOfLevel } from './level-badge.ts';
import { isNearlyFull, isOftenThrottled } from './limit-hits.ts';
import { shareOf } from './rows.ts';
import { DEFAULT_VIEW, linkTo, naturalOrder, type SortKey, type View } from './view.ts';

/**
 * Renders how many containers have each level, have findings of each severity, and hit a limit. Each number links to a view
 * with these containers only, or first.
 */
export function summary({ containers }: HostReport, view: View): Markup {
  const all: View = { ...DEFAULT_VIEW, sort: view.sort, order: view.order };
  const levels = [
    ...LEVELS.map((name, level) => ({
      name: nameOfLevel(name),
      count: containers.filter(({ isolationLevel }) => isolationLevel?.level === level).length,
      view: { ...all, level },
    })),
    {
      name: 'unknown',
      count: containers.filter(({ isolationLevel }) => isolationLevel === undefined).length,
      view: { ...all, level: 'unknown' } as const,
    },
  ];
  const severities = SEVERITIES.map((severity, index) => ({
    name: index === 0 ? severity : `${severity} or worse`,
    count: containers.filter((container) => hasAtLeast(container, index)).length,
    view: { ...all, severity },
  }));
  const hits = LIMIT_HITS.map(({ name, sort, hasHit }) => ({
    name,
    count: containers.filter(hasHit).length,
    view: { ...DEFAULT_VIEW, sort, order: naturalOrder(sort) },
  }));
  return markup`<dl id="summary" class="summary">
    <div>
      <dt>Containers by level</dt>
      ${counts(levels)}
    </div>
    <div>
      <dt>With findings</dt>
      ${counts(severities.slice(0, 3), { isKnown: !containers.some(hasUnknown) })}
    </div>
    <div>
      <dt>Limits reached</dt>
      ${counts(hits, { isKnown: containers.every(isUseKnown) })}
    </div>
  </dl>`;
}

/** Ways to hit a limit, and the column that sorts these containers first. */
const LIMIT_HITS: readonly {
  readonly name: string;
  readonly sort: SortKey;
  readonly hasHit: (container: ContainerReport) => boolean;
}[] = [
  { name: 'OOM kills', sort: 'oom', hasHit: ({ oom }) => (oom.events ?? 0) > 0 },
  { name: 'memory nearly full', sort: 'memory', hasHit: ({ memory }) => isNearlyFull(memory) },
  { name: 'often throttled', sort: 'cpu', hasHit: ({ cpu }) => isOftenThrottled(cpu) },
  { name: 'processes nearly full', sort: 'pids', hasHit: ({ pids }) => isNearlyFull(pids) },
];

/** A warning if the exporter could not read something. */
export function warningOf({ containers }: HostReport): Markup | undefined {
  const denied = containers.filter(({ failure }) => failure !== undefined).length;
  if (denied === 0) return undefined;
  return markup`<p id="warning" class="warning">
    Facts of ${denied} of ${containers.length} containers could not be read and are unknown here:
        <code>isolation-exporter diagnose</code> shows why, and how to fix it.
  </p>`;
}

function counts(
  each: readonly { readonly name: string; readonly count: number; readonly view: View }[],
  { isKnown = true }: { readonly isKnown?: boolean } = {},
): readonly Markup[] {
  const shown = each.filter(({ count }) => count > 0);
  if (shown.length === 0) return [markup`<dd class="quiet">${isKnown ? 'none' : 'none known'}</dd>`];
  return shown.map(
    ({ name, count, view }) =>
      markup`<dd>
        <a href="./${linkTo(view)}">${name} <strong>${count}</strong></a>
      </dd>`,
  );
}

/** Whether findings of a container could not be checked. */
function hasUnknown({ findings }: ContainerReport): boolean {
  return findings.some((each) => isOpen(each, 'unknown'));
}

/** Whether it is known what a container uses of its limits. Without a quota nothing throttles it. */
function isUseKnown({ oom, memory, pids }: ContainerReport): boolean {
  return oom.events !== undefined && shareOf(memory) !== undefined && shareOf(pids) !== undefined;
}

function hasAtLeast({ findings }: ContainerReport, index: number): boolean {
  return findings.some((each) => isOpen(each) && SEVERITIES.indexOf(each.finding.severity) <= index);
}
