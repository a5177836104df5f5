import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { renderConfigurationDoc } from './configuration-doc.ts';
import { COMMANDS } from './commands.ts';
import { OPTION_GROUPS } from './option-entry.ts';
import { OPTIONS, variableOf } from './options.ts';
import type { OptionEntry } from './option-entry.ts';
import { createProgram, helpText, runProgram } from './command-line.ts';

const COLLECTORS = [
  { name: 'cpu', help: 'CPU time.' },
  { name: 'big-pages', help: 'Pages | huge.' },
];

async function parse(argv: readonly string[]): Promise<Record<string, readonly string[]>> {
  let result: Record<string, readonly string[]> = {};
  const program = createProgram({
    version: { name: 'isolation-exporter', version: '1.2.3', revision: 'abc' },
    collectors: COLLECTORS,
    run: {
      serve: async (flags) => {
        result = Object.fromEntries(flags);
      },
      scan: async (flags) => {
        result = { scan: [], ...Object.fromEntries(flags) };
      },
      diagnose: async (flags) => {
        result = { diagnose: [], ...Object.fromEntries(flags) };
      },
    },
  });
  program.configureOutput({ writeOut: () => {} });
  await runProgram(program, argv);
  return result;
}

describe('the command line', () => {
  test.each([
    [[], {}],
    [['--log.level', 'debug'], { 'log.level': ['debug'] }],
    [['--log.level=debug', '--log.level=warn'], { 'log.level': ['warn'] }],
    [['--web.listen-address', ':1', '--web.listen-address=:2'], { 'web.listen-address': [':1', ':2'] }],
    [['--docker.host='], { 'docker.host': [''] }],
    [['--docker.host', ''], { 'docker.host': [''] }],
    [['--no-collector.cpu'], { 'collector.cpu': ['false'] }],
    [
      ['--collector.cpu', '--collector.disable-defaults'],
      { 'collector.cpu': ['true'], 'collector.disable-defaults': ['true'] },
    ],
    [['--collector.cpu', '--no-collector.cpu'], { 'collector.cpu': ['false'] }],
    [['--collector.findings.all'], { 'collector.findings.all': ['true'] }],
    [['--collector.findings.all', '--no-collector.findings.all'], { 'collector.findings.all': ['false'] }],
    [['--collector.big-pages'], { 'collector.big-pages': ['true'] }],
    [['diagnose'], { diagnose: [] }],
    [['scan', '--fail-on=high', '--fail-on', 'unknown'], { scan: [], 'fail-on': ['high', 'unknown'] }],
    [['diagnose', '--output=json', '--path.procfs', '/p'], { diagnose: [], output: ['json'], 'path.procfs': ['/p'] }],
    // Options that both the program and the command accept may come before or after the command. The later one wins.
    [['--path.procfs=/p', 'diagnose'], { diagnose: [], 'path.procfs': ['/p'] }],
    [['--path.procfs=/p', 'diagnose', '--path.procfs=/q'], { diagnose: [], 'path.procfs': ['/q'] }],
  ])('%j', async (argv, flags) => {
    expect(await parse(argv)).toEqual(flags);
  });

  test.each([
    [['--log.levle', 'x'], "error: unknown option '--log.levle'\n(Did you mean --log.level?)"],
    [['--log.levle=x'], "error: unknown option '--log.levle'\n(Did you mean --log.level?)"],
    [['--collector.cup=true'], "error: unknown option '--collector.cup'\n(Did you mean --collector.cpu?)"],
    [['--no-collector.cup'], "error: unknown option '--no-collector.cup'"],
    [['--log.level'], "error: option '--log.level <level>' argument missing"],
    [['scna'], "unknown command 'scna'"],
    [['--log.level=debug', 'scna'], "unknown command 'scna'"],
    [['diagnose', 'more'], "error: too many arguments for 'diagnose'. Expected 0 arguments but got 1."],
    [['diagnose', '--outptu=json'], "error: unknown option '--outptu'\n(Did you mean --output?)"],
    // A command rejects options that only the daemon has, wherever they are.
    [['diagnose', '--log.level=debug'], "error: unknown option '--log.level=debug'"],
    [['--log.level=debug', 'diagnose'], "option '--log.level' does not exist for 'diagnose'"],
    [['--no-collector.cpu', 'diagnose'], "option '--collector.cpu' does not exist for 'diagnose'"],
  ])('%j is refused', async (argv, message) => {
    await expect(parse(argv)).rejects.toThrow(message);
    await expect(parse(argv)).rejects.toBeInstanceOf(CommanderError);
  });

  test.each(['--help', '-h', '--version', 'diagnose --help'])('%s exits with 0', async (flags) => {
    await expect(parse(flags.split(' '))).rejects.toMatchObject({ exitCode: 0 });
  });
});

describe('the help', () => {
  const help = helpText(COLLECTORS);

  test('names all options under their heading', () => {
    for (const { flag } of Object.values(OPTIONS)) expect(help).toContain(`--${flag} <`);
    const positions = OPTION_GROUPS.map((group) => help.indexOf(`\n${group}`));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(positions).not.toContain(-1);
    expect(help).toContain('--[no-]collector.cpu ');
    expect(help).not.toContain('--no-collector');
  });

  test('names the commands', () => {
    expect(help).toMatch(/^Usage: isolation-exporter \[options\] \[command\]\n/);
    for (const { name, help: meaning } of COMMANDS)
      expect(help).toMatch(new RegExp(`\n  ${name} +${meaning.slice(0, 30)}`));
  });

  test('of a command names its options', () => {
    for (const { name, options } of COMMANDS) {
      const own = helpText(COLLECTORS, name);
      expect(own).toMatch(new RegExp(`^Usage: isolation-exporter ${name} \\[options\\]\n`));
      for (const { flag } of options) expect(own).toContain(`--${flag} <`);
      expect(own).not.toContain('--log.level');
      expect(Math.max(...own.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    }
  });

  test('is 100 columns wide on any terminal', () => {
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(help).not.toMatch(/ $/m);
    expect(helpText(COLLECTORS)).toBe(help);
  });
});

test('the table of options is consistent', () => {
  const ofCommands = COMMANDS.flatMap(({ options }) => [...options]);
  for (const option of new Set<OptionEntry<unknown>>([...Object.values(OPTIONS), ...ofCommands])) {
    for (const text of option.defaults) {
      if (text === '') expect(option.empty ?? option.commandLineOnly, option.flag).toBeDefined();
      else expect(option.parse(text), option.flag).toBeDefined();
    }
    // Options that have an environment variable are named `subject.detail`.
    expect(option.flag).toMatch(option.commandLineOnly ? /^[a-z-]+$/ : /^[a-z]+(\.[a-z-]+)+$/);
    expect(option.help).toMatch(/^[A-Z].*\.$/);
  }
  expect(variableOf('web.listen-address')).toBe('ISOLATION_EXPORTER_WEB_LISTEN_ADDRESS');
});

test('the documentation has a table for each group', () => {
  const doc = renderConfigurationDoc(COLLECTORS);
  expect(doc).toContain('## Web\n\n| Option | Environment | Default | Meaning |\n| --- | --- | --- | --- |\n');
  expect(doc).toContain(
    '| `--web.max-requests <count>` | `ISOLATION_EXPORTER_WEB_MAX_REQUESTS` | `40` | Maximum number',
  );
  expect(doc).toContain(
    '| `--[no-]collector.big-pages` | `ISOLATION_EXPORTER_COLLECTOR_BIG_PAGES` | on | Pages \\| huge. |',
  );
  expect(doc).toContain('## isolation-exporter diagnose\n\nShow what');
  expect(doc).toContain('| `--output <format>` | none | `table` | Output format: table or json. |');
  expect(doc).toMatch(/[^\n]\n$/);
});
