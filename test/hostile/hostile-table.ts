import { markdownTable, rowsOfTable, type Section } from '../page-section.ts';
import type { AttackResult } from './run-attack.ts';

/** Where it is in the page. */
export const TABLE: Section = {
  begin: '<!-- The table below is made by `npm run hostile`. -->',
  end: '<!-- The end of this table. -->',
};

/**
 * Renders the table of attacks in docs/reliability.md.
 *
 * @param names all attacks, in the order of the table.
 * @param before the table so far, whose rows stay for attacks without a result.
 */
export function renderTable(names: readonly string[], results: readonly AttackResult[], before = ''): string {
  const header = ['Attack', 'Seen', 'Lost', '/metrics', '/-/healthy', 'Cost', 'Memory'];
  const rows = new Map([...rowsOfTable(before), ...results.map(cellsOf)].map((cells) => [cells[0], cells]));
  const known = names.flatMap((name) => [rows.get(name) ?? []].filter(({ length }) => length > 0));
  return markdownTable(
    header,
    known,
    header.map((_, nth) => (nth < 3 ? 'text' : 'number')),
  );
}

function cellsOf({ name, seen, lost, slowestMetrics, slowestHealthy, costRatio, memory }: AttackResult): string[] {
  return [
    name,
    seen,
    lost.length === 0 ? 'nothing' : `${lost.length} series or parts`,
    `${Math.round(slowestMetrics)} ms`,
    `${Math.round(slowestHealthy)} ms`,
    `× ${costRatio.toFixed(1)}`,
    `${Math.round(memory / 1024 / 1024)} MB`,
  ];
}
