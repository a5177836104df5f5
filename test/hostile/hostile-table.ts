import type { AttackResult } from './run-attack.ts';

const BEGIN = '<!-- The table below is made by `npm run hostile`. -->';
const END = '<!-- The end of this table. -->';

/**
 * Renders the table of attacks in docs/reliability.md.
 *
 * @param names all attacks, in the order of the table.
 * @param before the table so far, whose rows stay for attacks without a result.
 */
export function renderTable(names: readonly string[], results: readonly AttackResult[], before = ''): string {
  const header = ['Attack', 'Seen', 'Lost', '/metrics', '/-/healthy', 'Cost', 'Memory'];
  const rows = new Map([...rowsIn(before), ...results.map(cellsOf)].map((cells) => [cells[0], cells]));
  const known = names.flatMap((name) => [rows.get(name) ?? []].filter(({ length }) => length > 0));
  const lines = [header, header.map((_, nth) => (nth < 3 ? '---' : '--:')), ...known];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function rowsIn(table: string): readonly (readonly string[])[] {
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.map((line) => line.slice(1, -1).split('|')).map((cells) => cells.map((cell) => cell.trim()));
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

/**
 * Puts another table into the page.
 *
 * @param render makes it from the present one.
 * @throws Error if the page has no place for it.
 */
export function withTable(page: string, render: (before: string) => string): string {
  const [before, rest] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || rest < before) throw new Error(`The page has no lines ${BEGIN} and ${END}`);
  const from = before + BEGIN.length;
  return `${page.slice(0, from)}\n\n${render(page.slice(from, rest))}\n${page.slice(rest)}`;
}
