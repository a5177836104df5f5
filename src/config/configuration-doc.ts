import { COMMANDS } from './commands.ts';
import { OPTION_GROUPS } from './option-entry.ts';
import { OPTIONS, collectorFlag, variableOf } from './options.ts';
import type { CollectorEntry, OptionEntry } from './option-entry.ts';
import { ALL_FINDINGS, CREATED_TIMESTAMPS, DISABLE_DEFAULTS } from './switches.ts';
import type { SwitchEntry } from './switches.ts';

/** Renders the tables of all options for `docs/configuration.md`. */
export function renderConfigurationDoc(collectors: readonly CollectorEntry[]): string {
  const sections = OPTION_GROUPS.filter((group) => group !== 'Collectors').map((group) => {
    const options = Object.values(OPTIONS).filter((option) => option.group === group);
    const rows = [
      ...options.map(rowOf),
      ...[CREATED_TIMESTAMPS].filter((each) => each.group === group).map(rowOfSwitch),
    ];
    return table(group, ['Option', 'Environment', 'Default', 'Meaning'], rows);
  });
  const switches = collectors.map(({ name, help, offByDefault }) => {
    const flag = collectorFlag(name);
    return row([code(`--[no-]${flag}`), code(variableOf(flag)), offByDefault === true ? 'off' : 'on', help]);
  });
  const rows = [rowOfSwitch(DISABLE_DEFAULTS), ...switches, rowOfSwitch(ALL_FINDINGS)];
  const commands = COMMANDS.map(({ name, help: meaning, epilogue, options }) => {
    const heading = `isolation-exporter ${name}`;
    const about = `${meaning}\n${epilogue}`;
    return table(heading, ['Option', 'Environment', 'Default', 'Meaning'], options.map(rowOf), about);
  });
  return [...sections, table('Collectors', ['Option', 'Environment', 'Default', 'Meaning'], rows), ...commands].join(
    '\n',
  );
}

function rowOf({ flag, placeholder, defaults, help, commandLineOnly }: OptionEntry<unknown>): string {
  return row([
    code(`--${flag} ${placeholder}`),
    commandLineOnly ? 'none' : code(variableOf(flag)),
    defaults.join('') === '' ? 'none' : code(defaults.join(',')),
    help,
  ]);
}

function rowOfSwitch({ flag, help }: SwitchEntry): string {
  return row([code(`--${flag}`), code(variableOf(flag)), 'off', help.replace(' (default: off)', '')]);
}

function table(heading: string, columns: readonly string[], rows: readonly string[], about?: string): string {
  const text = about === undefined ? [] : [about, ''];
  return [`## ${heading}`, '', ...text, row(columns), row(columns.map(() => '---')), ...rows, ''].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
