import { HELP, VERSION, commandFlags, daemonFlags } from './flags.ts';
import type { Flag } from './flags.ts';

/** Renders isolation-exporter(1) as roff, with the macros of man(7). */
export function manPage(about: {
  readonly version: string;
  readonly description: string;
  readonly date: Date;
}): string {
  const { version, description, date } = about;
  const groups = daemonFlags().flatMap(({ heading, flags }) => [macro('SS', heading), ...flags.flatMap(option)]);
  const commands = commandFlags().flatMap(({ name, help, epilogue, flags }) => [
    macro('SS', `isolation-exporter ${name}`),
    text(help),
    ...flags.flatMap(option),
    '.PP',
    text(epilogue),
  ]);
  return `${[
    `.TH ISOLATION\\-EXPORTER 1 "${date.toISOString().slice(0, 10)}" "isolation\\-exporter ${text(version)}"`,
    macro('SH', 'NAME'),
    `isolation\\-exporter \\- ${text(summaryOf(description))}`,
    macro('SH', 'SYNOPSIS'),
    '.B isolation\\-exporter',
    '[\\fIoptions\\fR]',
    ...commandFlags().flatMap(({ name }) => ['.br', `.B isolation\\-exporter ${text(name)}`, '[\\fIoptions\\fR]']),
    macro('SH', 'DESCRIPTION'),
    text(INTRODUCTION),
    macro('SH', 'OPTIONS'),
    ...groups,
    macro('SS', 'General'),
    ...option(VERSION),
    ...option(HELP),
    macro('SH', 'COMMANDS'),
    ...commands,
    macro('SH', 'ENVIRONMENT'),
    text(ENVIRONMENT),
    macro('SH', 'FILES'),
    ...FILES.flatMap(([path, meaning]) => ['.TP', `.I ${text(path)}`, text(meaning)]),
    macro('SH', 'EXIT STATUS'),
    text('0 after SIGTERM, SIGINT or SIGHUP, 1 after an error, 2 if an option is invalid.'),
    macro('SH', 'SEE ALSO'),
    '.BR systemctl (1),',
    '.BR prometheus (1)',
  ].join('\n')}\n`;
}

const INTRODUCTION =
  'Answers three questions about each container on this host: what does it share, what are its limits, and did it hit ' +
  'them? It reads the kernel (cgroupfs and procfs), and serves the answers to Prometheus. Without a command it runs ' +
  'until it is stopped. Run it as root, or with CAP_SYS_PTRACE and CAP_SYSLOG as its service does, to see everything.';

const ENVIRONMENT =
  'The variable of each option is named above. In a variable, several values are separated by commas, and a switch is ' +
  'true or false. The command line takes precedence.';

const FILES = [
  ['/etc/default/isolation-exporter', 'Environment variables of the service isolation-exporter.service.'],
  ['/var/lib/isolation-exporter/oom.json', 'OOM kills, kept across restarts of the service.'],
  ['/usr/share/isolation-exporter', 'Rules for Prometheus and VictoriaMetrics, dashboards for Grafana, drop-ins.'],
  ['/usr/share/doc/isolation-exporter', 'All metrics, findings and alerts, and a runbook for each alert.'],
] as const;

/** What follows the name of the program in `apropos`: no new sentence, no capital letter. */
function summaryOf(description: string): string {
  return description.replace(/\.$/, '');
}

function option({ name, help, placeholder, fallback, variable, negatable }: Flag): string[] {
  const flag = `\\-\\-${negatable ? '[no\\-]' : ''}${text(name)}`;
  const value = placeholder === undefined ? '' : ` \\fI${text(placeholder.replaceAll(/[<>]/g, ''))}\\fR`;
  const short = name === HELP.name ? '\\-h, ' : '';
  return [
    '.TP',
    `\\fB${short}${flag}\\fR${value}`,
    text(help),
    ...(fallback === undefined ? [] : ['.br', text(`Default: ${fallback}`)]),
    ...(variable === undefined ? [] : ['.br', text(`Environment: ${variable}`)]),
  ];
}

function macro(name: string, heading: string): string {
  return `.${name} "${text(heading)}"`;
}

/** Escapes text for roff. A hyphen would otherwise be a typographic one, which cannot be searched or copied. */
function text(plain: string): string {
  const escaped = plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('"', '\\(dq');
  return escaped.replaceAll(/^(?=[.'])/gm, '\\&');
}
