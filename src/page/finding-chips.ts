import { isOpen } from '../findings/acceptance.ts';
import { SEVERITIES, type Severity } from '../findings/finding.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { acceptedOf, bySeverity } from '../report/wording.ts';
import { type Markup, markup } from './markup.ts';

/** Renders how many findings of each severity a container has, how many are unknown or accepted, and whether it got worse. */
export function findingChips(container: ContainerReport): Markup {
  const found = bySeverity(container, 'yes');
  const chips = SEVERITIES.flatMap((severity) => {
    const count = found.get(severity)?.length ?? 0;
    return count === 0 ? [] : [markup`<span class="chip ${severity}">${count} ${severity}</span>`];
  });
  const unknown = container.findings.filter((each) => isOpen(each, 'unknown')).length;
  if (unknown > 0) chips.push(markup`<span class="chip unknown">${unknown} unknown</span>`);
  const accepted = acceptedOf(container).length;
  if (accepted > 0) chips.push(markup`<span class="chip accepted">${accepted} accepted</span>`);
  if (container.drifts.length > 0) chips.push(markup`<span class="chip drift">got worse</span>`);
  return chips.length === 0 ? markup`<span class="quiet">none</span>` : markup`<span class="chips">${chips}</span>`;
}

/** Renders the name of a severity. */
export function severityChip(severity: Severity): Markup {
  return markup`<span class="chip ${severity}">${severity}</span>`;
}
