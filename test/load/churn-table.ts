import { markdownTable, rowsOfTable, type Section } from '../page-section.ts';
import { VARIANTS } from './churn-variants.ts';
import type { ChurnResult, Idle } from './run-churn.ts';

/** Where the table is in docs/reliability.md. */
export const CHURN: Section = {
  begin: '<!-- The table below is made by `npm run churn`. -->',
  end: '<!-- The end of the table of churn. -->',
};

const SHOWN = ['descriptors', 'watches', 'timers'] as const;

/** Renders the table. @param before the table so far, whose rows stay for variants without a result. */
export function renderChurn(results: readonly ChurnResult[], before = ''): string {
  const header = [
    'Variant',
    'Started',
    'Removed',
    'Scrapes',
    'Slowest',
    ...['Descriptors', 'Watches', 'Timers', 'Heap'].map((what) => `${what} before, after`),
  ];
  const rows = new Map([...rowsOfTable(before), ...results.map(cellsOf)].map((cells) => [cells[0], cells]));
  const known = VARIANTS.flatMap(({ name }) => [rows.get(name) ?? []].filter(({ length }) => length > 0));
  return markdownTable(
    header,
    known,
    header.map((_, nth) => (nth === 0 ? 'text' : 'number')),
  );
}

function cellsOf(result: ChurnResult): string[] {
  const { variant, before, after, scrapes, failed, slowestMs } = result;
  const both = (show: (idle: Idle) => string): string => `${show(before)}, ${show(after)}`;
  return [
    variant,
    counted(result.startedFound, result.started),
    counted(result.removedFound, result.removed),
    failed === 0 ? String(scrapes) : `${scrapes}, ${failed} failed`,
    `${(slowestMs / 1_000).toFixed(1)} s`,
    ...SHOWN.map((key) => both((idle) => String(idle[key]))),
    both(({ heap }) => `${(heap / 1e6).toFixed(1)} MB`),
  ];
}

function counted(found: number, truth: number): string {
  return found === truth ? truth.toLocaleString('en') : `${found} of ${truth}`;
}
