import { COMMANDS, SCAN_STANDARDS } from '../src/config/commands.ts';
import { collectors } from '../src/collectors/index.ts';
import { OPTION_GROUPS } from '../src/config/option-entry.ts';
import { OPTIONS, collectorFlag, variableOf } from '../src/config/options.ts';
import type { OptionEntry } from '../src/config/option-entry.ts';
import { ALL_FINDINGS, CREATED_TIMESTAMPS, DISABLE_DEFAULTS } from '../src/config/switches.ts';
import type { SwitchEntry } from '../src/config/switches.ts';
import { SEVERITIES } from '../src/findings/finding.ts';
import { findings } from '../src/findings/index.ts';

/** A flag, with what the man page and the completions of shells show. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly help: string;
  /** `undefined`: the flag has no value. */
  readonly placeholder: string | undefined;
  /** The values that a shell offers; `files`: paths. */
  readonly values: readonly string[] | 'files';
  /** Shown as the default in the man page; `undefined` for none. */
  readonly fallback: string | undefined;
  /** The environment variable, if there is one. */
  readonly variable: string | undefined;
  /** `--no-` in front negates it. */
  readonly negatable: boolean;
  readonly repeatable: boolean;
}

/** Flags below a heading of the help. */
export interface FlagGroup {
  readonly heading: string;
  readonly flags: readonly Flag[];
}

/** A command, with its own flags. */
export interface CommandFlags {
  readonly name: string;
  readonly help: string;
  readonly epilogue: string;
  readonly flags: readonly Flag[];
}

/** `--version`, which only the program has. */
export const VERSION = plain('version', 'Show the version and exit.');
/** `--help`, which each command has too. */
export const HELP = plain('help', 'Show this help and exit.');

/** All flags of the daemon, in the order of the help. */
export function daemonFlags(): FlagGroup[] {
  return OPTION_GROUPS.map((heading) => ({
    heading,
    flags: heading === 'Collectors' ? collectorFlags() : flagsBelow(heading),
  }));
}

/** All commands. */
export function commandFlags(): CommandFlags[] {
  return COMMANDS.map(({ name, help, epilogue, options }) => ({
    name,
    help,
    epilogue: epilogue.replaceAll(/\s+/g, ' '),
    flags: options.map(flagOf),
  }));
}

function flagsBelow(group: string): Flag[] {
  const switches = [CREATED_TIMESTAMPS].filter((each) => each.group === group).map(switchOf);
  return [
    ...Object.values(OPTIONS)
      .filter((option) => option.group === group)
      .map(flagOf),
    ...switches,
  ];
}

function collectorFlags(): Flag[] {
  const each = collectors.map(({ name, help, offByDefault }) => ({
    ...plain(collectorFlag(name), help),
    fallback: offByDefault === true ? 'off' : 'on',
    variable: variableOf(collectorFlag(name)),
    negatable: true,
  }));
  return [{ ...switchOf(DISABLE_DEFAULTS), negatable: false }, ...each, switchOf(ALL_FINDINGS)];
}

function flagOf(option: OptionEntry<unknown>): Flag {
  const { flag, help, placeholder, defaults, commandLineOnly, repeatable } = option;
  return {
    name: flag,
    help,
    placeholder,
    values: valuesOf(option),
    fallback: defaults.join('') === '' ? undefined : defaults.join(', '),
    variable: commandLineOnly === true ? undefined : variableOf(flag),
    negatable: false,
    repeatable: repeatable === true,
  };
}

function valuesOf({ flag, placeholder, words }: OptionEntry<unknown>): Flag['values'] {
  const ids = findings.map(({ id }) => id);
  if (flag === 'explain') return ['list', ...SCAN_STANDARDS, ...ids];
  if (flag === 'fail-on') return [...SEVERITIES, 'unknown', ...ids];
  if (placeholder === '<file>' || flag.startsWith('path.')) return 'files';
  return words ?? [];
}

function switchOf({ flag, help }: SwitchEntry): Flag {
  return {
    ...plain(flag, help.replace(' (default: off)', '')),
    fallback: 'off',
    variable: variableOf(flag),
    negatable: true,
  };
}

function plain(name: string, help: string): Flag {
  return {
    name,
    help,
    placeholder: undefined,
    values: [],
    fallback: undefined,
    variable: undefined,
    negatable: false,
    repeatable: false,
  };
}
