import { SEVERITIES } from '../findings/finding.ts';
import { LEVELS } from '../findings/level.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { type Markup, markup } from './markup.ts';
import { nameOfLevel } from './level-badge.ts';
import { DEFAULT_VIEW, linkTo, type View } from './view.ts';

/** Renders how many containers stand on each level and have findings of each severity, each with a link to them. */
export function summary({ containers }: HostReport): Markup {
  const levels = [
    ...LEVELS.map((name, level) => ({
      name: nameOfLevel(name),
      count: containers.filter(({ standing }) => standing?.level === level).length,
      view: { ...DEFAULT_VIEW, level },
    })),
    {
      name: 'unknown',
      count: containers.filter(({ standing }) => standing === undefined).length,
      view: { ...DEFAULT_VIEW, level: 'unknown' } as const,
    },
  ];
  const severities = SEVERITIES.map((severity, index) => ({
    name: index === 0 ? severity : `${severity} or worse`,
    count: containers.filter((container) => hasAtLeast(container, index)).length,
    view: { ...DEFAULT_VIEW, severity },
  }));
  return markup`<dl id="summary" class="summary">
    <div>
      <dt>Containers by level</dt>
      ${counts(levels)}
    </div>
    <div>
      <dt>With findings</dt>
      ${counts(severities.slice(0, 3))}
    </div>
  </dl>`;
}

/** A warning if something is kept from this process. */
export function warningOf({ containers }: HostReport): Markup | undefined {
  const denied = containers.filter(({ failure }) => failure !== undefined).length;
  if (denied === 0) return undefined;
  return markup`<p id="warning" class="warning">
    Something of ${denied} of ${containers.length} containers could not be read, and is unknown here:
    <code>isolation-exporter diagnose</code> tells why, and what helps.
  </p>`;
}

function counts(
  each: readonly { readonly name: string; readonly count: number; readonly view: View }[],
): readonly Markup[] {
  const shown = each.filter(({ count }) => count > 0);
  if (shown.length === 0) return [markup`<dd class="quiet">none</dd>`];
  return shown.map(
    ({ name, count, view }) =>
      markup`<dd>
        <a href="./${linkTo(view)}">${name} <strong>${count}</strong></a>
      </dd>`,
  );
}

function hasAtLeast({ findings }: ContainerReport, index: number): boolean {
  return findings.some(({ finding, answer }) => answer === 'yes' && SEVERITIES.indexOf(finding.severity) <= index);
}
