import { SEVERITIES } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { LEVELS } from '../findings/level.ts';
import { type Markup, markup } from './markup.ts';
import { nameOfLevel } from './level-badge.ts';
import { DEFAULT_VIEW, isFiltered, linkTo, naturalOrder, type View } from './view.ts';

/** Renders the form that chooses which containers are shown. */
export function filterForm(view: View): Markup {
  const { sort, order, search, level, severity, finding } = view;
  const levels = [...LEVELS.map((name, index) => ({ value: name, text: `${index} ${nameOfLevel(name)}` })), UNKNOWN];
  const chosen = level === undefined || level === 'unknown' ? level : LEVELS[level];
  return markup`<form method="get" action="./" role="search" aria-label="Containers">
    ${sort === DEFAULT_VIEW.sort ? undefined : hidden('sort', sort)}
    ${order === naturalOrder(sort) ? undefined : hidden('order', order)}
    <label>Search <input type="search" name="search" value="${search}" placeholder="name, image, engine or id"></label>
    ${select('level', 'Level', levels, chosen)}
    ${select(
      'severity',
      'Severity',
      SEVERITIES.map((value) => ({ value, text: value === 'critical' ? value : `${value} or worse` })),
      severity,
    )}
    ${select(
      'finding',
      'Finding',
      findings.map(({ id, title }) => ({ value: id, text: title })),
      finding,
    )}
    <button>Filter</button>
    ${isFiltered(view) ? markup`<a href="./${linkTo({ ...DEFAULT_VIEW, sort, order })}">Show all</a>` : undefined}
  </form>`;
}

const UNKNOWN = { value: 'unknown', text: 'unknown' };

function select(
  name: string,
  label: string,
  choices: readonly { readonly value: string; readonly text: string }[],
  chosen: string | undefined,
): Markup {
  const options = choices.map(
    ({ value, text }) =>
      markup`<option value="${value}"${value === chosen ? markup` selected` : undefined}>${text}</option>`,
  );
  return markup`<label>${label}
    <select name="${name}">
      <option value="">any</option>
      ${options}
    </select>
  </label>`;
}

function hidden(name: string, value: string): Markup {
  return markup`<input type="hidden" name="${name}" value="${value}">`;
}
