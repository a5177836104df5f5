import { DISABLE_DEFAULTS, OPTIONS, OPTION_GROUPS, collectorFlag, variableOf } from './options-table.ts';
import type { CollectorEntry } from './options-table.ts';

/** Renders the tables of all options for `docs/configuration.md`. */
export function renderConfigurationDoc(collectors: readonly CollectorEntry[]): string {
  const sections = OPTION_GROUPS.filter((group) => group !== 'Collectors').map((group) => {
    const options = Object.values(OPTIONS).filter((option) => option.group === group);
    const rows = options.map(({ flag, placeholder, defaults, help }) =>
      row([
        code(`--${flag} ${placeholder}`),
        code(variableOf(flag)),
        defaults.join('') === '' ? 'none' : code(defaults.join(',')),
        help,
      ]),
    );
    return table(group, ['Option', 'Environment', 'Default', 'Meaning'], rows);
  });
  const switches = collectors.map(({ name, help }) => {
    const flag = collectorFlag(name);
    return row([code(`--[no-]${flag}`), code(variableOf(flag)), help]);
  });
  const { flag, help } = DISABLE_DEFAULTS;
  const rows = [row([code(`--${flag}`), code(variableOf(flag)), help]), ...switches];
  return [...sections, table('Collectors', ['Option', 'Environment', 'Meaning'], rows)].join('\n');
}

function table(heading: string, columns: readonly string[], rows: readonly string[]): string {
  return [`## ${heading}`, '', row(columns), row(columns.map(() => '---')), ...rows, ''].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
