import type { Answer } from '../findings/answer.ts';
import { controlText } from '../findings/standards/references.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';
import { cutTo, widthOf, wrap } from '../terminal/columns.ts';
import type { Paint, Style } from '../terminal/paint.ts';
import { printable } from '../terminal/printable.ts';
import type { ScanReport } from './comparison.ts';
import { notesOn } from './notes.ts';
import {
  checkedText,
  complianceBy,
  containersBy,
  notCheckedBy,
  notCheckedText,
  resultOf,
  type ScanStandard,
  titleOf,
  verdictOf,
} from './standard.ts';

/** The width of the table, in columns. */
const WIDTH = 100;
const GAP = '  ';
const LONGEST_NAME = 50;
const LABELS = { yes: 'violated', unknown: 'unknown' } as const;
const LABEL_WIDTH = 'violated'.length;

const STYLES: Readonly<Record<Answer, Style | undefined>> = { yes: 'bad', unknown: 'warning', no: undefined };

/** Renders for people how containers do by a standard, at most 100 columns wide. */
export function renderStandardTable(report: ScanReport, standard: ScanStandard, paint: Paint): string {
  const name = ({ labels }: ContainerReport): string =>
    cutTo(LONGEST_NAME, printable(`${labels.engine}/${nameOf(labels)}`));
  const width = Math.max(0, ...report.containers.map((container) => widthOf(name(container))));
  const rows = report.containers.flatMap((container) => {
    const compliance = complianceBy(standard, container);
    const style = STYLES[compliance.violates];
    const verdict = verdictOf(compliance);
    const padding = ' '.repeat(width - widthOf(name(container)));
    return [
      `${paint('strong', name(container))}${padding}${GAP}${style === undefined ? verdict : paint(style, verdict)}`,
      ...(['yes', 'unknown'] as const).flatMap((answer) => {
        const texts = compliance.controls.filter(({ violates }) => violates === answer).map(checkedText);
        // Everything is unknown: the names would say nothing.
        const isAll = answer === 'unknown' && texts.length === compliance.controls.length;
        return isAll ? [] : detailsOf(answer, texts, paint);
      }),
      '',
    ];
  });
  return [...rows, ...notesOnStandard(standard, report.containers), '', ...notesOn(report), ''].join('\n');
}

function detailsOf(answer: keyof typeof LABELS, texts: readonly string[], paint: Paint): readonly string[] {
  const indent = ' '.repeat(GAP.length + LABEL_WIDTH + GAP.length);
  const lines = texts.flatMap((text) => {
    const [first = '', ...more] = wrap(WIDTH - indent.length - GAP.length, text);
    return [first, ...more.map((line) => GAP + line)];
  });
  const label = LABELS[answer];
  const head = `${GAP}${paint(STYLES[answer] ?? 'faint', label)}${' '.repeat(LABEL_WIDTH - label.length)}${GAP}`;
  return lines.map((line, index) => (index === 0 ? head : indent) + line);
}

/** What of the standard was checked, and what was not. */
function notesOnStandard(standard: ScanStandard, containers: readonly ContainerReport[]): readonly string[] {
  const noted = standard.checks.flatMap(({ id, control, findings }) =>
    findings.length > 0 && control.note !== undefined ? [`${controlText(id, control)}: ${control.note}`] : [],
  );
  const { outside } = standard.standard;
  return [
    ...wrap(WIDTH, `${titleOf(standard)}: ${resultOf(containersBy(standard, containers))}`),
    ...listed('Not checked', notCheckedBy(standard).map(notCheckedText)),
    ...listed('Checked with a difference', noted),
    ...(outside === undefined ? [] : wrap(WIDTH, `Not about running containers: ${outside}.`)),
  ];
}

function listed(heading: string, texts: readonly string[]): readonly string[] {
  if (texts.length === 0) return [];
  return [`${heading}:`, ...texts.flatMap((text) => wrap(WIDTH - GAP.length, text).map((line) => GAP + line))];
}
