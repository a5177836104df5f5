import { Command, Option } from 'commander';
import { COMMANDS } from './commands.ts';
import type { CommandName } from './commands.ts';
import { OPTION_GROUPS } from './option-entry.ts';
import { OPTIONS, collectorFlag, variableOf } from './options.ts';
import type { CollectorEntry, OptionEntry } from './option-entry.ts';
import { ALL_FINDINGS, CREATED_TIMESTAMPS, DISABLE_DEFAULTS } from './switches.ts';
import type { Version } from '../version.ts';

/** The flags on the command line, without their dashes; the value of a switch is `true` or `false`. */
export type Flags = ReadonlyMap<string, readonly string[]>;

/** Fixed, so that the README can contain the help. */
const HELP_WIDTH = 100;

/** What each command does with its flags. */
export type Commands = Readonly<Record<'serve' | CommandName, (flags: Flags) => Promise<void>>>;

/**
 * Creates the command line. It throws a `CommanderError` after it has printed the help or the version, and for unknown
 * flags. It does not check values.
 */
export function createProgram(options: {
  readonly version: Version;
  readonly collectors: readonly CollectorEntry[];
  readonly run: Commands;
}): Command {
  const { version, collectors, run } = options;
  const program = new Command(version.name)
    .description(
      'Prometheus exporter for container isolation: what containers share, what limits them, and whether they hit the limits.',
    )
    .usage('[options] [command]')
    .exitOverride()
    .allowExcessArguments()
    // Without this, an option that both the program and a command have would always be the program's.
    .enablePositionalOptions()
    .helpCommand(false)
    .configureOutput({ outputError: () => {} })
    .configureHelp({ helpWidth: HELP_WIDTH, optionTerm, subcommandTerm: (command) => command.name() })
    .addHelpText('after', `\n${EPILOGUE}`);
  addOptions(program, Object.values(OPTIONS));
  const { flag, help, group } = CREATED_TIMESTAMPS;
  program.addOption(new Option(`--${flag}`, help).helpGroup(`${group}:`));
  program.addOption(new Option(`--no-${flag}`).hideHelp());
  for (const option of collectorOptions(collectors)) program.addOption(option);
  program.version(versionText(version), '--version', 'Show the version and exit.');
  program.options.find((option) => option.long === '--version')?.helpGroup('General:');
  addHelpOption(program);
  program.action(() => {
    const [unknown] = program.args;
    if (unknown !== undefined) program.error(`unknown command '${unknown}'`);
    return run.serve(flagsOf(program));
  });
  for (const { name, help, epilogue, options: own } of COMMANDS) {
    const command = program
      .command(name)
      .description(help)
      .usage('[options]')
      .allowExcessArguments(false)
      .addHelpText('after', `\n${epilogue}`);
    addOptions(command, own);
    addHelpOption(command);
    command.action(() => run[name](flagsOfBoth(program, command)));
  }
  return program;
}

/** Parses the arguments and runs the requested command. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  const known = new Set([program, ...program.commands].flatMap(({ options }) => options.map((option) => option.long)));
  // commander suggests a similar flag only if no value is attached.
  const bare = (argument: string): string => {
    const flag = /^(--[^=]+)=/.exec(argument)?.[1];
    return flag === undefined || known.has(flag) ? argument : flag;
  };
  await program.parseAsync(argv.map(bare), { from: 'user' });
}

/** The help of the program or of a command, as `--help` prints it on any terminal. */
export function helpText(collectors: readonly CollectorEntry[], command?: CommandName): string {
  let text = '';
  const version = { name: 'isolation-exporter', version: '', revision: undefined };
  const nothing = async (): Promise<void> => {};
  const program = createProgram({ version, collectors, run: { serve: nothing, scan: nothing, diagnose: nothing } });
  const of = program.commands.find((each) => each.name() === command) ?? program;
  of.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

const EPILOGUE = `Every option can also be set in the environment: --web.listen-address as
${variableOf(OPTIONS.listenAddresses.flag)} (several separated by commas), --collector.cpu as
${variableOf(collectorFlag('cpu'))}=true or false. The command line takes precedence.`;

function versionText({ name, version, revision }: Version): string {
  const built = revision === undefined ? '' : `revision ${revision}, `;
  return `${name} ${version} (${built}node ${process.version}, ${process.platform} ${process.arch})`;
}

/** Adds options group by group. */
function addOptions(command: Command, entries: readonly OptionEntry<unknown>[]): void {
  for (const group of [...OPTION_GROUPS, 'Output']) {
    for (const each of entries) if (each.group === group) command.addOption(optionOf(each));
  }
}

function addHelpOption(command: Command): void {
  command.addHelpOption(new Option('-h, --help', 'Show this help and exit.').helpGroup('General:'));
}

function optionOf({ flag, placeholder, help, defaults, repeatable, group }: OptionEntry<unknown>): Option {
  return new Option(`--${flag} ${placeholder}`, `${help} (default: ${defaults.join(', ') || 'none'})`)
    .argParser((value, previous: readonly string[] | undefined) => [...(repeatable ? (previous ?? []) : []), value])
    .helpGroup(`${group}:`);
}

function collectorOptions(collectors: readonly CollectorEntry[]): Option[] {
  const switches = [
    ...collectors.map(({ name, help, offByDefault }) => ({
      flag: collectorFlag(name),
      help: offByDefault === true ? `${help} (default: off)` : help,
    })),
    ALL_FINDINGS,
  ];
  const all = switches.flatMap(({ flag, help }) => [
    new Option(`--${flag}`, help),
    new Option(`--no-${flag}`).hideHelp(),
  ]);
  const disable = new Option(`--${DISABLE_DEFAULTS.flag}`, DISABLE_DEFAULTS.help);
  return [disable, ...all].map((option) => option.helpGroup('Collectors (on by default):'));
}

/** Shows a collector's two flags on one line of the help. */
function optionTerm(option: Option): string {
  const isCollector = option.isBoolean() && option.long?.startsWith('--collector.');
  return isCollector && option.long !== `--${DISABLE_DEFAULTS.flag}`
    ? option.flags.replace('--', '--[no-]')
    : option.flags;
}

/** The flags of a command. Flags that the program has too may also stand before the command's name. */
function flagsOfBoth(program: Command, command: Command): Flags {
  const before = flagsOf(program);
  const taken = new Set(command.options.map((option) => option.name()));
  for (const flag of before.keys()) {
    if (!taken.has(flag)) command.error(`option '--${flag}' does not exist for '${command.name()}'`);
  }
  return new Map([...before, ...flagsOf(command)]);
}

function flagsOf(command: Command): Flags {
  const flags = new Map<string, readonly string[]>();
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    const flag = option.name().replace(/^no-/, '');
    if (typeof value === 'boolean') flags.set(flag, [String(value)]);
    if (Array.isArray(value)) flags.set(flag, value.map(String));
  }
  return flags;
}
