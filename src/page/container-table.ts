import type { ContainerReport } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';
import { containerRow } from './container-row.ts';
import { type Markup, markup } from './markup.ts';
import { linkTo, naturalOrder, type SortKey, type View } from './view.ts';

/** The columns, in order. */
export const COLUMNS: readonly { readonly key: SortKey; readonly heading: string }[] = [
  { key: 'name', heading: 'Container' },
  { key: 'level', heading: 'Isolation level' },
  { key: 'findings', heading: 'Findings' },
  { key: 'namespaces', heading: 'Shared namespaces' },
  { key: 'memory', heading: 'Memory' },
  { key: 'oom', heading: 'OOM kills' },
  { key: 'cpu', heading: 'CPU limit' },
  { key: 'pids', heading: 'Processes' },
];

/** Renders the table of containers, piece by piece. */
export function* containerTable(options: {
  readonly rows: readonly ContainerReport[];
  readonly total: number;
  /** Whether all cgroups could be looked at. */
  readonly sawAll: boolean;
  readonly view: View;
  readonly at: number;
}): Generator<Markup> {
  const { rows, total, sawAll, view, at } = options;
  const heading = COLUMNS.find(({ key }) => key === view.sort)?.heading ?? '';
  const number = rows.length === total ? `${total}` : `${rows.length} of ${total}`;
  const caption = `${number} container${total === 1 ? '' : 's'}, by ${heading.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())}, ${view.order}`;
  yield markup`<div id="containers" class="wide" role="region" aria-label="Containers" tabindex="0">
    <table>
      <caption>${caption}</caption>
      <thead>
        <tr>
          ${COLUMNS.map((column) => columnHeading(column, view))}
        </tr>
      </thead>
  `;
  const nameCounts = new Map<string, number>();
  for (const container of rows) nameCounts.set(nameIn(container), (nameCounts.get(nameIn(container)) ?? 0) + 1);
  for (const container of rows) {
    yield containerRow(container, { at, hasNamesake: (nameCounts.get(nameIn(container)) ?? 0) > 1 });
  }
  if (rows.length === 0) {
    const none = sawAll
      ? 'There is no container on this host.'
      : 'No container was found, and some cgroups could not be looked at.';
    const text = total === 0 ? none : 'No container matches the filter.';
    yield markup`<tbody>
      <tr>
        <td colspan="8" class="quiet">${text}</td>
      </tr>
    </tbody>`;
  }
  yield markup`</table></div>`;
}

function nameIn({ labels }: ContainerReport): string {
  return [labels.engine, nameOf(labels)].join('\n');
}

function columnHeading({ key, heading }: (typeof COLUMNS)[number], view: View): Markup {
  const isSorted = key === view.sort;
  const opposite = view.order === 'ascending' ? 'descending' : 'ascending';
  const order = isSorted ? opposite : naturalOrder(key);
  const arrow = isSorted
    ? markup`<span aria-hidden="true">${view.order === 'ascending' ? '▲' : '▼'}</span>`
    : undefined;
  return markup`<th scope="col"${isSorted ? markup` aria-sort="${view.order}"` : undefined}>
    <a id="sort-${key}" href="./${linkTo({ ...view, sort: key, order })}">${heading}${arrow}</a>
  </th>`;
}
