import type { Place } from './check.ts';
import { printable } from '../terminal/printable.ts';
import { wrap } from '../terminal/columns.ts';
import type { Finding } from './diagnosis.ts';

const WIDTH = 100;

/** Every line begins with the status, then comes the name. */
const STATUS_WIDTH = 9;

const LABELS = { ok: 'ok', note: 'note', lost: 'LOST', unknown: 'unknown' } as const;

/** SGR parameters (ECMA-48): green, cyan, bold red, yellow. */
const COLOURS = { ok: '32', note: '36', lost: '1;31', unknown: '33' } as const;

/** How remedies are introduced. */
const REMEDY_NAMES: Readonly<Record<Place, string>> = {
  shell: 'by hand',
  systemd: '[Service]',
  docker: 'docker run',
  kubernetes: 'pod spec',
};

/**
 * Renders findings as a table for people, at most 100 columns wide but for words that are longer.
 *
 * @param options.places what remedies are shown for.
 * @param options.colour whether a terminal is to colour the statuses.
 */
export function renderTable(
  findings: readonly Finding[],
  options: { readonly places: readonly Place[]; readonly colour: 'on' | 'off' },
): string {
  const nameWidth = Math.max(...findings.map(({ name }) => name.length)) + 2;
  const indent = ' '.repeat(STATUS_WIDTH + nameWidth);
  const lines = findings.flatMap((finding) => {
    const { status, name, says } = finding;
    const label = LABELS[status];
    const painted = options.colour === 'on' ? `\u001b[${COLOURS[status]}m${label}\u001b[0m` : label;
    const [first = '', ...more] = wrap(WIDTH - indent.length, printable(says));
    const rest = detailsOf(finding, options.places).flatMap(({ head, text }) => {
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

function detailsOf({ loses, remedies }: Finding, places: readonly Place[]): { head: string; text: string }[] {
  return [
    ...(loses === undefined ? [] : [{ head: 'not seen', text: loses }]),
    ...(remedies === undefined ? [] : places.map((place) => ({ head: REMEDY_NAMES[place], text: remedies[place] }))),
  ];
}
