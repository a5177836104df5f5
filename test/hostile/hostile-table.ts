import type { AttackResult } from './run-attack.ts';

const BEGIN = '<!-- The table below is made by `npm run hostile`. -->';
const END = '<!-- The end of this table. -->';

/** Renders the table of attacks in docs/reliability.md. */
export function renderTable(results: readonly AttackResult[]): string {
  const header = ['Attack', 'Seen', 'Lost', '/metrics', '/-/healthy', 'Cost', 'Memory'];
  const lines = [header, header.map((_, nth) => (nth < 3 ? '---' : '--:')), ...results.map(cellsOf)];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
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
 * Puts the table into the page.
 *
 * @throws Error if the page has no place for it.
 */
export function withTable(page: string, table: string): string {
  const [before, rest] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || rest < before) throw new Error(`The page has no lines ${BEGIN} and ${END}`);
  return `${page.slice(0, before)}${BEGIN}\n\n${table}\n${page.slice(rest)}`;
}
