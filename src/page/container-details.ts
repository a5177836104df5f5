import type { Acceptance } from '../findings/acceptance.ts';
import type { Assessed } from '../findings/assess.ts';
import type { ContainerReport, ExitReport, Limiter, LimiterUse } from '../report/container-report.ts';
import {
  type AcceptedFinding,
  acceptedOf,
  bySeverity,
  bytesText,
  exitText,
  numberText,
  SCOPE_WORDS,
  UNKNOWN,
} from '../report/wording.ts';
import { countText, durationText } from './duration.ts';
import { severityChip } from './finding-chips.ts';
import { type Markup, markup } from './markup.ts';

/** How many findings the folded summary names. */
const MOST_NAMED = 4;

/** Renders the details of a container: its findings with why they matter, and facts about it. */
export function detailsOf(
  container: ContainerReport,
  { id, at }: { readonly id: string; readonly at: number },
): Markup {
  const found = [...bySeverity(container, 'yes').values()].flat();
  const open = [...bySeverity(container, 'unknown').values()].flat();
  const accepted = acceptedOf(container);
  return markup`<details id="${id}">
    <summary>${summaryOf(found, open, accepted)}</summary>
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
            <span class="chip unknown">unknown</span> Could not be checked:
            ${open.map(({ finding }) => finding.title).join('; ')}.
          </p>`
    }${
      accepted.length === 0
        ? undefined
        : markup`<ul class="findings accepted">
            ${accepted.map(acceptedItem)}
          </ul>`
    }${driftList(container)}${failureOf(container)}
    <p class="facts">${factsOf(container, at)}</p>
  </details>`;
}

/** What got worse while the container ran, with what there was before. */
function driftList({ drifts }: ContainerReport): Markup | undefined {
  if (drifts.length === 0) return undefined;
  return markup`<ul class="findings drifts">
    ${drifts.map(
      ({ finding, before, after, count, at }) =>
        markup`<li>
          <span class="chip drift">got worse</span> <strong>${finding}</strong> while it ran: <q>${before}</q> became <q>${after}</q>
          at ${timeText(at)}${count > 1 ? `, the last of ${count} times` : undefined}.
        </li>`,
    )}
  </ul>`;
}

/** A finding that is accepted: by whom, why, and until when. */
function acceptedItem({ finding, answer, accepted }: AcceptedFinding): Markup {
  const unknown = answer === 'unknown' ? ' (could not be checked)' : undefined;
  return markup`<li>
    <span class="chip accepted">accepted</span> ${severityChip(finding.severity)} <strong>${finding.title}${unknown}.</strong>
    Reason: <q>${accepted.reason}</q>${termsOf(accepted)}.
    ${answer === 'yes' ? markup`<a href="#fix-${finding.id}">How to fix it</a>` : undefined}
  </li>`;
}

function termsOf({ owner, expires }: Acceptance): Markup {
  return markup`${owner === undefined ? undefined : markup`, owner <bdi>${owner}</bdi>`}, ${
    expires === undefined
      ? 'without an end'
      : markup`until the end of <time datetime="${expires}">${expires}</time> UTC`
  }`;
}

function summaryOf(found: readonly Assessed[], open: readonly Assessed[], accepted: readonly Assessed[]): string {
  if (found.length === 0) {
    // Unknown and accepted findings must not read as "no findings".
    const parts = [
      ...(open.length === 0 ? [] : [`${countText(open.length, 'finding')} could not be checked`]),
      ...(accepted.length === 0 ? [] : [`${countText(accepted.length, 'finding')} accepted`]),
    ];
    return parts.join(' · ') || 'No findings';
  }
  const titles = found.slice(0, MOST_NAMED).map(({ finding }) => finding.title);
  const more = found.length - titles.length;
  return [...titles, ...(more > 0 ? [`${more} more`] : [])].join(' · ');
}

function failureOf({ failure }: ContainerReport): Markup | undefined {
  if (failure === undefined) return undefined;
  return markup`<p class="warning">Some facts could not be read: ${failure.message}</p>`;
}

function factsOf(
  { id, path, image, runtime, sandbox, startTime, memory, cpu, pids, oom, life }: ContainerReport,
  at: number,
): readonly Markup[] {
  const facts = [
    markup`id <code>${id}</code>`,
    markup`cgroup <code>${path}</code>`,
    ...(image === undefined ? [] : [markup`image <code>${image}</code>`]),
    ...(sandbox === undefined ? [] : [markup`run by ${sandbox}${runtime === undefined ? undefined : ` (${runtime})`}`]),
    ...(startTime === undefined ? [] : [markup`started ${durationText(at / 1000 - startTime)} ago`]),
    ...(life.health === undefined ? [] : [markup`health check: ${life.health}`]),
    ...(life.restarts === undefined || life.restarts === 0
      ? []
      : [markup`restarted ${countText(life.restarts, 'time')} by its engine`]),
    ...(life.exit === undefined ? [] : [markup`last ended ${endedText(life.exit, at)}`]),
    ...(cpu.throttledSeconds === undefined || cpu.throttledSeconds === 0
      ? []
      : [markup`throttled by its own CPU limit for ${durationText(cpu.throttledSeconds)} in total`]),
    ...memory.limiters.map((limiter) => limiterFact(limiter, useText('memory', limiter, bytesText))),
    ...cpu.limiters.map((limiter) => limiterFact(limiter, quotaText(limiter))),
    ...pids.limiters.map((limiter) => limiterFact(limiter, useText('processes', limiter, numberText))),
    ...(oom.kills === oom.events ? [] : [markup`${oom.kills ?? 0} processes OOM-killed, as the kernel counts`]),
    ...(oom.lastKill === undefined ? [] : [markup`last OOM kill at ${timeText(oom.lastKill)}`]),
  ];
  return facts.map((fact, index) => (index === 0 ? fact : markup`; ${fact}`));
}

function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** When and how a container ended. */
export function endedText(exit: ExitReport, at: number): string {
  return exit.at === undefined ? exitText(exit) : `${durationText(at / 1000 - exit.at)} ago: ${exitText(exit)}`;
}

/** A limit that is another cgroup's, and what it is used for or did. */
function limiterFact({ scope, path }: Limiter, text: string): Markup {
  return markup`limit of ${SCOPE_WORDS[scope]} <code>${path}</code>: ${text}`;
}

function useText(what: string, { limit, used }: LimiterUse, text: (amount: number) => string): string {
  return `${used === undefined ? UNKNOWN : text(used)} of ${text(limit)} ${what}`;
}

function quotaText({ limit, periods, throttledPeriods }: ContainerReport['cpu']['limiters'][number]): string {
  const cores = `${numberText(limit)} core${limit === 1 ? '' : 's'}`;
  if (periods === undefined || throttledPeriods === undefined) return cores;
  return `${cores}, throttled in ${throttledPeriods} of ${periods} periods`;
}
