import { OPTIONS, choice, entry, listOf } from './options.ts';
import type { OptionEntry } from './options.ts';

/** A command besides serving, which is what is done without one. */
export interface CommandEntry {
  readonly name: string;
  readonly help: string;
  /** What else its own help is to say. */
  readonly epilogue: string;
  /** Those of the daemon that it takes too, and its own, in the order of the help. */
  readonly options: readonly OptionEntry<unknown>[];
}

/** How `diagnose` shows what it found. */
const DIAGNOSE_OUTPUTS = ['table', 'json'] as const;
export type DiagnoseOutput = (typeof DIAGNOSE_OUTPUTS)[number];

/** For which ways to run the exporter `diagnose` says what helps; `here`: the one in which it finds itself. */
const REMEDIES_FOR = ['here', 'systemd', 'docker', 'kubernetes', 'all'] as const;
export type RemediesFor = (typeof REMEDIES_FOR)[number];

/** The options that only `diagnose` has. */
export const DIAGNOSE_OPTIONS = {
  output: outputAs(DIAGNOSE_OUTPUTS),
  remedies: choice(REMEDIES_FOR, {
    flag: 'remedies',
    group: 'Output',
    placeholder: '<place>',
    help: `What the remedies of the table are for: ${listOf(REMEDIES_FOR)}. JSON has them all.`,
    defaults: ['here'],
    commandLineOnly: true,
  }),
};

/** How `scan` shows what it found. */
const SCAN_OUTPUTS = ['table', 'json', 'sarif'] as const;
export type ScanOutput = (typeof SCAN_OUTPUTS)[number];

/** The options that only `scan` has. */
export const SCAN_OPTIONS = {
  output: outputAs(SCAN_OUTPUTS),
  containers: entry({
    flag: 'container',
    group: 'Output',
    placeholder: '<name>',
    help: 'Only this container: its name, namespace/pod/name, or the beginning of its id. Can be repeated.',
    defaults: [''],
    expected: 'a name',
    repeatable: true,
    empty: 'all',
    commandLineOnly: true,
    parse: parseName,
  }),
  failOn: entry({
    flag: 'fail-on',
    group: 'Output',
    placeholder: '<what>',
    help: 'Exit with 1 on this finding, or on any of this severity or worse; unknown: also on what could not be told of it. Can be repeated.',
    defaults: [''],
    expected: 'a name',
    repeatable: true,
    empty: 'never',
    commandLineOnly: true,
    parse: parseName,
  }),
  explain: entry({
    flag: 'explain',
    group: 'Output',
    placeholder: '<finding>',
    help: 'Do not look; tell why a finding matters, and how to fix it; list: tell which ones there are.',
    defaults: [''],
    expected: 'a name',
    empty: 'off',
    commandLineOnly: true,
    parse: parseName,
  }),
};

/** All commands, in the order of the help. */
export const COMMANDS = [
  {
    name: 'scan',
    help: 'Look once at all containers, and tell how isolated they are and what is wrong.',
    epilogue:
      'Exit code 0, or 1 if something was found that --fail-on names, or 2 for wrong use. What is shown\n' +
      'as ? could not be told, and is as likely bad as good; isolation-exporter diagnose tells why.',
    options: [
      OPTIONS.procfs,
      OPTIONS.cgroupfs,
      OPTIONS.docker,
      OPTIONS.podman,
      OPTIONS.cri,
      ...Object.values(SCAN_OPTIONS),
    ],
  },
  {
    name: 'diagnose',
    help: 'Tell what the exporter can and cannot see here, why, and what would help.',
    epilogue:
      'Exit code 0 if nothing is kept from the exporter, else 1. It tells what the process that it runs as\n' +
      "can see: run it in the exporter's own container or unit to learn what the exporter can see.",
    options: [
      OPTIONS.procfs,
      OPTIONS.cgroupfs,
      OPTIONS.kmsg,
      OPTIONS.docker,
      OPTIONS.podman,
      OPTIONS.cri,
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
    help: `How to show it: ${listOf(formats)}.`,
    defaults: ['table'],
    commandLineOnly: true,
  });
}

/** Whether there is anything of that name is for the command to find out. */
function parseName(text: string): string | undefined {
  return text === '' ? undefined : text;
}
