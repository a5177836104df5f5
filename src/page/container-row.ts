import { createHash } from 'node:crypto';
import type { ContainerReport } from '../report/container-report.ts';
import { bytesText, limitText, numberText, SCOPE_WORDS } from '../report/wording.ts';
import { isNearlyFull, isOftenThrottled, isRecentlyKilled } from './limit-hits.ts';
import { detailsOf } from './container-details.ts';
import { durationText } from './duration.ts';
import { findingChips } from './finding-chips.ts';
import { type Markup, markup } from './markup.ts';
import { levelBadge } from './level-badge.ts';
import { nearestOf, shareOf, throttledShareOf } from './rows.ts';

/**
 * Renders a container: a row of figures, and a row with details to unfold. `at` is when it was read, in ms since the epoch. If
 * another container has the same name, the cgroup is shown with the name.
 */
export function containerRow(
  container: ContainerReport,
  { at, hasNamesake }: { readonly at: number; readonly hasNamesake: boolean },
): Markup {
  const id = elementIdOf(container);
  return markup`<tbody id="${id}">
    <tr>
      <th scope="row">${nameCell(container, hasNamesake)}</th>
      <td>${levelBadge(container.isolationLevel)}</td>
      <td class="found">${findingChips(container)}</td>
      <td class="labelled">${namespacesCell(container)}</td>
      <td class="labelled figure">${useCell(container.memory, bytesText)}</td>
      <td class="labelled figure">${oomCell(container, at)}</td>
      <td class="labelled figure">${cpuCell(container)}</td>
      <td class="labelled figure">${useCell(container.pids, numberText)}</td>
    </tr>
    <tr class="more">
      <td colspan="8">${detailsOf(container, { id: `${id}-details`, at })}</td>
    </tr>
  </tbody>`;
}

/** The id of the row. It stays the same across refreshes, and does not depend on the container's name. */
function elementIdOf({ labels, id, path }: ContainerReport): string {
  return `c${createHash('sha256').update(`${labels.engine}/${id}/${path}`).digest('hex').slice(0, 12)}`;
}

/** The image without its digest, which the details show. */
function nameCell({ labels, image, path, life }: ContainerReport, hasNamesake: boolean): Markup {
  const { namespace, pod, container } = labels;
  const above = [namespace, pod].filter((part) => part !== '');
  return markup`${above.length === 0 ? undefined : markup`<small><bdi>${above.join('/')}</bdi>/</small>`}<bdi class="name">${container}</bdi><small>${labels.engine}${image === undefined ? undefined : markup`, <bdi>${image.replace(/(?<=.)@sha256:.*/, '')}</bdi>`}</small>${life.health === 'unhealthy' ? markup`<small class="full">unhealthy</small>` : undefined}${hasNamesake ? markup`<small>cgroup ${path}</small>` : undefined}`;
}

function namespacesCell({ namespaces, sandbox }: ContainerReport): Markup {
  if (namespaces === undefined) return markup`<span class="quiet">in ${sandbox ?? 'a sandbox'}</span>`;
  if (namespaces.every(({ peers }) => peers === undefined)) return unknown();
  const host = namespaces.flatMap(({ kind, peers }) => (peers === 'host' ? [kind] : []));
  const open = namespaces.flatMap(({ kind, peers }) => (peers === undefined ? [kind] : []));
  const shared = namespaces.flatMap(({ kind, peers }) =>
    typeof peers === 'number' && peers > 0 ? [`${kind} (${peers})`] : [],
  );
  const areOthersUnknown = namespaces.some(({ peers }) => peers === 'not host');
  const lines = [
    ...(host.length > 0 ? [markup`<div>host: ${host.join(' ')}</div>`] : []),
    ...(shared.length > 0 ? [markup`<div>with others: ${shared.join(' ')}</div>`] : []),
    ...(open.length > 0 ? [markup`<div class="unknown">unknown: ${open.join(' ')}</div>`] : []),
    ...(areOthersUnknown ? [markup`<div class="unknown">with others: unknown</div>`] : []),
  ];
  return lines.length === 0 ? markup`<span class="quiet">none</span>` : markup`${lines}`;
}

function useCell(use: ContainerReport['memory'], text: (amount: number) => string): Markup {
  const { limit, used, limiters } = use;
  if (used === undefined && limit === undefined) return unknown();
  const share = shareOf(use);
  const nearest = nearestOf(limiters);
  const figures = markup`${used === undefined ? unknown() : text(used)}
    <span class="quiet">/ ${limit === undefined ? unknown() : limitText(use, text)}</span>${
      nearest === undefined
        ? undefined
        : markup` <small>${SCOPE_WORDS[nearest.scope]}: ${text(nearest.used ?? 0)} / ${text(nearest.limit)}</small>`
    }`;
  if (share === undefined || limit === Infinity || (use.limited === false && nearest === undefined)) return figures;
  return markup`${figures}${bar(share, isNearlyFull(use) ? 'full' : 'usual')}`;
}

function cpuCell({ cpu }: ContainerReport): Markup {
  const limit = limitText(cpu, (cores) => `${numberText(cores)} core${cores === 1 ? '' : 's'}`);
  if (cpu.limit === Infinity) return markup`<span class="quiet">${limit}</span>`;
  const share = throttledShareOf(cpu);
  if (cpu.limit === undefined) return unknown();
  if (share === undefined) return markup`${limit}`;
  const often = isOftenThrottled(cpu);
  return markup`${limit} <small${often ? markup` class="full"` : undefined}>throttled ${percent(share)}</small>${bar(
    share,
    often ? 'full' : 'usual',
  )}`;
}

function oomCell({ oom }: ContainerReport, at: number): Markup {
  const { events, lastKill } = oom;
  if (events === undefined) return unknown();
  if (events === 0) return markup`<span class="quiet">0</span>`;
  if (lastKill === undefined) return markup`<strong>${events}</strong>`;
  const ago = durationText(at / 1000 - lastKill);
  return markup`<strong>${events}</strong>
    <small${isRecentlyKilled(oom, at) ? markup` class="full"` : undefined}>last <time datetime="${new Date(lastKill * 1000).toISOString()}">${ago} ago</time></small>`;
}

/** The bar is decorative: the text beside it says the same. */
function bar(share: number, kind: 'usual' | 'full'): Markup {
  const width = Math.max(share > 0 ? 1 : 0, Math.min(100, Math.round(share * 100)));
  return markup`<svg class="bar ${kind}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
    <rect width="${width}" height="4"/></svg>`;
}

/** A percentage that is never rounded to 0 % or 100 %. */
function percent(share: number): string {
  if (share > 0 && share < 0.01) return '< 1 %';
  return `${share < 1 ? Math.min(99, Math.round(share * 100)) : 100} %`;
}

function unknown(): Markup {
  return markup`<span class="unknown">unknown</span>`;
}
