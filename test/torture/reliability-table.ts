import type { ScenarioResult } from './run-scenario.ts';

/** The results on one machine. */
export interface MachineResults {
  /** Such as `cgroup v1`. */
  readonly title: string;
  readonly results: readonly ScenarioResult[];
}

/** Renders the section of docs/reliability.md about OOM kills. */
export function renderTables(machines: readonly MachineResults[]): string {
  return machines.map(({ title, results }) => `### ${title}\n\n${renderTable(results)}`).join('\n');
}

function renderTable(results: readonly ScenarioResult[]): string {
  const header = ['Scenario', 'Life', 'Kills/s', 'Events', 'Kills', 'Unattributed', 'Doubled', 'Lost of the sum'];
  const rows = results.map(cellsOf);
  const lines = [header, header.map((_, nth) => (nth === 0 ? '---' : '--:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function cellsOf({
  scenario,
  rate,
  events,
  kills,
  eventsFound,
  unattributed,
  doubled,
  lost,
}: ScenarioResult): string[] {
  const found = eventsFound === events ? String(events) : `${eventsFound} of ${events}`;
  const share = unattributed === 0 ? '0' : `${unattributed} (${((100 * unattributed) / kills).toFixed(1)} %)`;
  const life = `${scenario.lifeMs} ms`;
  return [scenario.name, life, rate.toFixed(1), found, String(kills), share, String(doubled), String(lost)];
}

const BEGIN = '<!-- The tables below are made by `npm run torture:oom`. -->';
const END = '<!-- The end of these tables. -->';

/**
 * Puts the tables into the page.
 *
 * @throws Error if the page has no place for them.
 */
export function withTables(page: string, tables: string): string {
  const [before, rest] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || rest < before) throw new Error(`The page has no lines ${BEGIN} and ${END}`);
  return `${page.slice(0, before)}${BEGIN}\n\n${tables}\n${page.slice(rest)}`;
}
