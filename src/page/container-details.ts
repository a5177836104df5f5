import type { Assessed } from '../findings/assess.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { bySeverity } from '../report/wording.ts';
import { countText, durationText } from './duration.ts';
import { severityChip } from './finding-chips.ts';
import { type Markup, markup } from './markup.ts';

/** So many findings are named while it is folded. */
const MOST_NAMED = 4;

/** Renders what unfolds below a container: its findings with why they matter, and what it is. */
export function detailsOf(
  container: ContainerReport,
  { id, at }: { readonly id: string; readonly at: number },
): Markup {
  const found = [...bySeverity(container, 'yes').values()].flat();
  const open = [...bySeverity(container, 'unknown').values()].flat();
  return markup`<details id="${id}">
    <summary>${summaryOf(found, open)}</summary>
    ${
      found.length === 0
        ? undefined
        : markup`<ul class="findings">
            ${found.map(
              ({ finding: each }) =>
                markup`<li>
                  ${severityChip(each.severity)} <strong>${each.title}.</strong> ${each.why}
                  <a href="#fix-${each.id}">How to fix it</a>
                </li>`,
            )}
          </ul>`
    }${
      open.length === 0
        ? undefined
        : markup`<p>
            <span class="chip unknown">unknown</span> Could not be told:
            ${open.map(({ finding }) => finding.title).join('; ')}.
          </p>`
    }${failureOf(container)}
    <p class="facts">${factsOf(container, at)}</p>
  </details>`;
}

function summaryOf(found: readonly Assessed[], open: readonly Assessed[]): string {
  // Nothing is well that could not be looked at.
  if (found.length === 0)
    return open.length === 0 ? 'No finding' : `${countText(open.length, 'finding')} could not be told`;
  const titles = found.slice(0, MOST_NAMED).map(({ finding }) => finding.title);
  const more = found.length - titles.length;
  return [...titles, ...(more > 0 ? [`${more} more`] : [])].join(' · ');
}

function failureOf({ failure }: ContainerReport): Markup | undefined {
  if (failure === undefined) return undefined;
  return markup`<p class="warning">Not all could be read: ${failure.message}</p>`;
}

function factsOf(
  { id, path, image, runtime, sandbox, startTime, cpu, oom }: ContainerReport,
  at: number,
): readonly Markup[] {
  const facts = [
    markup`id <code>${id}</code>`,
    markup`cgroup <code>${path}</code>`,
    ...(image === undefined ? [] : [markup`image <code>${image}</code>`]),
    ...(sandbox === undefined ? [] : [markup`run by ${sandbox}${runtime === undefined ? undefined : ` (${runtime})`}`]),
    ...(startTime === undefined ? [] : [markup`started ${durationText(at / 1000 - startTime)} ago`]),
    ...(cpu.throttledSeconds === undefined || cpu.throttledSeconds === 0
      ? []
      : [markup`held back by its CPU limit for ${durationText(cpu.throttledSeconds)} in all`]),
    ...(oom.lastKill === undefined
      ? []
      : [markup`last OOM kill at ${new Date(oom.lastKill * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`]),
  ];
  return facts.map((fact, index) => (index === 0 ? fact : markup`; ${fact}`));
}
