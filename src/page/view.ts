import { SEVERITIES, type Severity } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { LEVELS } from '../findings/level.ts';

/** The sort keys; each is a column of the table. */
export const SORT_KEYS = ['name', 'level', 'namespaces', 'memory', 'cpu', 'pids', 'oom', 'findings'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export type Order = 'ascending' | 'descending';

/** Which containers to show, and in what order: the query string of the page. */
export interface View {
  readonly sort: SortKey;
  readonly order: Order;
  /** A search text: part of a name, an image, an engine or an id. */
  readonly search: string;
  /** The index of a level; `unknown`: containers without a level. */
  readonly level: number | 'unknown' | undefined;
  /** Only containers with a finding of this severity or worse that nobody has accepted. */
  readonly severity: Severity | undefined;
  /** Only containers with this finding, also accepted. */
  readonly finding: string | undefined;
}

/** All containers, worst first. */
export const DEFAULT_VIEW: View = {
  sort: 'level',
  order: 'ascending',
  search: '',
  level: undefined,
  severity: undefined,
  finding: undefined,
};

const LONGEST_SEARCH = 200;

/** Parses a query string. Invalid parameters are ignored. */
export function parseView(query: string): View {
  const parameters = new URLSearchParams(query);
  const get = (name: string): string => parameters.get(name) ?? '';
  const sort = SORT_KEYS.find((key) => key === get('sort')) ?? DEFAULT_VIEW.sort;
  const order = (['ascending', 'descending'] as const).find((each) => each === get('order'));
  const level = get('level');
  const index = LEVELS.findIndex((name) => name === level);
  return {
    sort,
    order: order ?? naturalOrder(sort),
    search: get('search').trim().slice(0, LONGEST_SEARCH),
    level: level === 'unknown' ? level : index === -1 ? undefined : index,
    severity: SEVERITIES.find((severity) => severity === get('severity')),
    finding: findings.find(({ id }) => id === get('finding'))?.id,
  };
}

/** The query string of a view, with the `?`. It contains only differences from the default. */
export function linkTo(view: View): string {
  const { sort, order, search, level, severity, finding } = view;
  const pairs = new URLSearchParams();
  if (sort !== DEFAULT_VIEW.sort) pairs.set('sort', sort);
  if (order !== naturalOrder(sort)) pairs.set('order', order);
  if (search !== '') pairs.set('search', search);
  if (level !== undefined) pairs.set('level', level === 'unknown' ? level : (LEVELS[level] ?? ''));
  if (severity !== undefined) pairs.set('severity', severity);
  if (finding !== undefined) pairs.set('finding', finding);
  return `?${pairs.toString()}`;
}

/** The initial order of a column: names and levels ascending, numbers descending. */
export function naturalOrder(key: SortKey): Order {
  return key === 'name' || key === 'level' ? 'ascending' : 'descending';
}

/** Whether a view hides containers. */
export function isFiltered({ search, level, severity, finding }: View): boolean {
  return search !== '' || level !== undefined || severity !== undefined || finding !== undefined;
}
