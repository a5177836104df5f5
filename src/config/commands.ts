import { choice, entry, listOf } from './option-entry.ts';
import { OPTIONS } from './options.ts';
import type { OptionEntry } from './option-entry.ts';

/** A command. Without one the exporter serves metrics. */
export interface CommandEntry {
  readonly name: string;
  readonly help: string;
  /** Text after the options in the command's help. */
  readonly epilogue: string;
  /** The daemon's options that it accepts too, then its own, in the order of the help. */
  readonly options: readonly OptionEntry<unknown>[];
}

/** Output formats of `diagnose`. */
const DIAGNOSE_OUTPUTS = ['table', 'json'] as const;
export type DiagnoseOutput = (typeof DIAGNOSE_OUTPUTS)[number];

/** The deployments that `diagnose` shows remedies for; `here` is the one it runs in. */
const REMEDIES_FOR = ['here', 'systemd', 'docker', 'kubernetes', 'all'] as const;
export type RemediesFor = (typeof REMEDIES_FOR)[number];

/** The options that only `diagnose` has. */
export const DIAGNOSE_OPTIONS = {
  output: outputAs(DIAGNOSE_OUTPUTS),
  remedies: choice(REMEDIES_FOR, {
    flag: 'remedies',
    group: 'Output',
    placeholder: '<deployment>',
    help: `Deployments to show remedies for: ${listOf(REMEDIES_FOR)}. JSON always has all of them.`,
    defaults: ['here'],
    commandLineOnly: true,
  }),
};

/** Output formats of `scan`. */
const SCAN_OUTPUTS = ['table', 'json', 'sarif', 'junit', 'markdown'] as const;
export type ScanOutput = (typeof SCAN_OUTPUTS)[number];

/** The standards of `--standard`. */
export const SCAN_STANDARDS = ['cis-docker', 'pss-baseline', 'pss-restricted', 'nsa-cisa'] as const;
export type ScanStandardName = (typeof SCAN_STANDARDS)[number];

/** The options that only `scan` has. */
export const SCAN_OPTIONS = {
  output: outputAs(SCAN_OUTPUTS),
  containers: entry({
    flag: 'container',
    group: 'Output',
    placeholder: '<name>',
    help: 'Scan only this container: its name, namespace/pod/name, or at least 6 digits from the beginning of its id. Can be repeated.',
    defaults: [''],
    expected: 'a name',
    repeatable: true,
    commandLineOnly: true,
    parse: parseName,
  }),
  failOn: entry({
    flag: 'fail-on',
    group: 'Output',
    placeholder: '<what>',
    help: 'Exit with 1 on this finding, or on any finding of this severity or worse; unknown: also if that could not be checked. Can be repeated.',
    defaults: [''],
    expected: 'a name',
    repeatable: true,
    commandLineOnly: true,
    parse: parseName,
  }),
  standard: choice(SCAN_STANDARDS, {
    flag: 'standard',
    group: 'Output',
    placeholder: '<name>',
    help: `Check by this standard: ${listOf(SCAN_STANDARDS)}. Only its findings are shown and meet --fail-on.`,
    defaults: [''],
    commandLineOnly: true,
  }),
  baseline: entry({
    flag: 'baseline',
    group: 'Output',
    placeholder: '<file>',
    help: 'Compare with the findings in this file: only what is new meets --fail-on. New findings are marked, and fixed ones listed.',
    defaults: [''],
    expected: 'the path of a file',
    commandLineOnly: true,
    parse: parseName,
  }),
  writeBaseline: entry({
    flag: 'write-baseline',
    group: 'Output',
    placeholder: '<file>',
    help: 'Write the findings of this scan to a file for --baseline.',
    defaults: [''],
    expected: 'the path of a file',
    commandLineOnly: true,
    parse: parseName,
  }),
  explain: entry({
    flag: 'explain',
    group: 'Output',
    placeholder: '<finding>',
    help: 'Explain why a finding matters and how to fix it, or what a standard requires, without a scan; list: show all findings.',
    defaults: [''],
    expected: 'a name',
    commandLineOnly: true,
    parse: parseName,
  }),
};

/** All commands, in the order of the help. */
export const COMMANDS = [
  {
    name: 'scan',
    help: 'Scan all containers once; show how isolated they are and what is wrong.',
    epilogue:
      'Exit code 0; 1 if --fail-on matched; 2 for an error, such as a wrong option or an unreadable file.\n' +
      'A ? marks what could not be read, which may be good or bad; isolation-exporter diagnose shows why.',
    options: [
      OPTIONS.procfs,
      OPTIONS.cgroupfs,
      OPTIONS.containerLogs,
      OPTIONS.docker,
      OPTIONS.podman,
      OPTIONS.cri,
      OPTIONS.acceptFile,
      ...Object.values(SCAN_OPTIONS),
    ],
  },
  {
    name: 'diagnose',
    help: 'Show what the exporter can and cannot read here, why, and how to fix it.',
    epilogue:
      'Exit code 0 if all checks pass, otherwise 1. It shows what its own process can read: run it in the\n' +
      'container or unit of the exporter to learn what the exporter can read.',
    options: [
      OPTIONS.procfs,
      OPTIONS.cgroupfs,
      OPTIONS.kmsg,
      OPTIONS.containerLogs,
      OPTIONS.docker,
      OPTIONS.podman,
      OPTIONS.cri,
      OPTIONS.acceptFile,
      ...Object.values(DIAGNOSE_OPTIONS),
    ],
  },
] as const satisfies readonly CommandEntry[];
export type CommandName = (typeof COMMANDS)[number]['name'];

function outputAs<Format extends string>(formats: readonly Format[]): OptionEntry<Format> {
  return choice(formats, {
    flag: 'output',
    group: 'Output',
    placeholder: '<format>',
    help: `Output format: ${listOf(formats)}.`,
    defaults: ['table'],
    commandLineOnly: true,
  });
}

/** The command checks whether anything has that name. It shows a path as the user wrote it. */
function parseName(text: string): string | undefined {
  return text === '' ? undefined : text;
}
