import type { Deployment } from './check.ts';
import { printable } from '../terminal/printable.ts';
import { wrap } from '../terminal/columns.ts';
import type { CheckReport } from './diagnosis.ts';

const WIDTH = 100;

/** Columns for the status, which comes before the name. */
const STATUS_WIDTH = 9;

const LABELS = { ok: 'ok', note: 'note', failed: 'FAILED', unknown: 'unknown' } as const;

/** SGR parameters (ECMA-48): green, cyan, bold red, yellow. */
const COLOURS = { ok: '32', note: '36', failed: '1;31', unknown: '33' } as const;

/** The head of each remedy. */
const REMEDY_NAMES: Readonly<Record<Deployment, string>> = {
  shell: 'by hand',
  systemd: '[Service]',
  docker: 'docker run',
  kubernetes: 'pod spec',
};

/**
 * Renders reports as a table for people, at most 100 columns wide except for longer words.
 *
 * @param options.deployments the deployments whose remedies are shown.
 * @param options.colour whether to colour the statuses.
 */
export function renderCheckTable(
  reports: readonly CheckReport[],
  options: { readonly deployments: readonly Deployment[]; readonly colour: 'on' | 'off' },
): string {
  const nameWidth = Math.max(...reports.map(({ name }) => name.length)) + 2;
  const indent = ' '.repeat(STATUS_WIDTH + nameWidth);
  const lines = reports.flatMap((report) => {
    const { status, name, message } = report;
    const label = LABELS[status];
    const painted = options.colour === 'on' ? `\u001b[${COLOURS[status]}m${label}\u001b[0m` : label;
    const [first = '', ...more] = wrap(WIDTH - indent.length, printable(message));
    const rest = detailsOf(report, options.deployments).flatMap(({ head, text }) => {
      const [begin = '', ...continued] = wrap(WIDTH - indent.length - head.length - 2, printable(text));
      return [`${head}: ${begin}`, ...continued.map((line) => `${' '.repeat(head.length + 2)}${line}`)];
    });
    return [
      `${painted}${' '.repeat(STATUS_WIDTH - label.length)}${name.padEnd(nameWidth)}${first}`,
      ...[...more, ...rest].map((line) => `${indent}${line}`),
    ];
  });
  return `${lines.join('\n')}\n`;
}

function detailsOf(
  { missing, remedies }: CheckReport,
  deployments: readonly Deployment[],
): { head: string; text: string }[] {
  return [
    ...(missing === undefined ? [] : [{ head: 'missing', text: missing }]),
    ...(remedies === undefined
      ? []
      : deployments.map((deployment) => ({ head: REMEDY_NAMES[deployment], text: remedies[deployment] }))),
  ];
}
