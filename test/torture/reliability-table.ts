import { markdownTable, rowsOfTable, type Section } from '../page-section.ts';
import type { ScenarioResult } from './run-scenario.ts';
import type { Scenario } from './scenarios.ts';

/** The results on one machine. */
interface MachineResults {
  /** Such as `cgroup v1`. */
  readonly title: string;
  readonly results: readonly ScenarioResult[];
}

/** Where the tables are in the page. */
export const TABLES: Section = {
  begin: '<!-- The tables below are made by `npm run torture:oom`. -->',
  end: '<!-- The end of these tables. -->',
};

/** What identifies a row: the name of a scenario and the life of its containers. */
type RowKey = string;

/**
 * Renders the section of docs/reliability.md about OOM kills.
 *
 * @param scenarios all scenarios, in the order of the tables.
 * @param before the tables so far, whose rows stay for scenarios without a result.
 */
export function renderTables(scenarios: readonly Scenario[], machines: readonly MachineResults[], before = ''): string {
  const known = sectionsIn(before);
  const titles = new Set([...known.keys(), ...machines.map(({ title }) => title)]);
  const sections = Array.from(titles, (title) => {
    const results = machines.filter((machine) => machine.title === title).flatMap((machine) => machine.results);
    const rows = new Map([...(known.get(title) ?? []), ...results.map(cellsOf)].map((cells) => [keyOf(cells), cells]));
    return `### ${title}\n\n${renderTable(scenarios.flatMap((scenario) => [rows.get(keyOf(namesOf(scenario))) ?? []]))}`;
  });
  return sections.join('\n');
}

/** The rows of each table, without its header, by the title above. */
function sectionsIn(tables: string): ReadonlyMap<string, readonly (readonly string[])[]> {
  const sections = tables.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return [title, rowsOfTable(lines.join('\n'))];
    }),
  );
}

function keyOf([name = '', life = '']: readonly string[]): RowKey {
  return `${name} ${life}`;
}

function namesOf({ name, lifeMs }: Scenario): readonly [name: string, life: string] {
  return [name, `${lifeMs} ms`];
}

function renderTable(rows: readonly (readonly string[])[]): string {
  const header = ['Scenario', 'Life', 'Kills/s', 'Events', 'Kills', 'Unattributed', 'Doubled', 'Lost of the sum'];
  const filled = rows.filter(({ length }) => length > 0);
  return markdownTable(
    header,
    filled,
    header.map((_, nth) => (nth === 0 ? 'text' : 'number')),
  );
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
  return [...namesOf(scenario), rate.toFixed(1), found, String(kills), share, String(doubled), String(lost)];
}
