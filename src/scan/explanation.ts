import { type CheckedStandard, checksOf } from '../findings/compliance.ts';
import { type Finding, SEVERITIES } from '../findings/finding.ts';
import {
  controlText,
  type Reference,
  referenceText,
  referenceUrl,
  STANDARDS,
} from '../findings/standards/references.ts';
import type { Standard } from '../findings/standards/standard.ts';
import { wrap } from '../terminal/columns.ts';
import type { Paint } from '../terminal/paint.ts';

/** The width of the text, in columns. */
const WIDTH = 100;
const INDENT = '  ';
const LABEL_WIDTH = 'docker run'.length + INDENT.length;

/** Lists findings by severity. */
export function renderFindingList(findings: readonly Finding[], paint: Paint): string {
  const width = Math.max(...findings.map(({ id }) => id.length));
  const lines = SEVERITIES.flatMap((severity) => [
    paint('strong', severity),
    ...findings
      .filter((finding) => finding.severity === severity)
      .map(({ id, title }) => `${INDENT}${id.padEnd(width)}${INDENT}${title}`),
    '',
  ]);
  return lines.join('\n');
}

/** Explains a finding: why it matters, how to fix it, and references. */
export function renderExplanation(finding: Finding, paint: Paint): string {
  const { id, severity, title, why, fix, references } = finding;
  return [
    `${paint('strong', id)} (${severity}): ${title}`,
    '',
    ...wrap(WIDTH, why),
    '',
    paint('strong', 'How to fix it'),
    ...item('docker run', fix.docker),
    ...item('compose', fix.compose),
    ...item('Kubernetes', fix.kubernetes),
    ...(references.length === 0 ? [] : ['', paint('strong', 'References'), ...references.flatMap(referenceLines)]),
    '',
  ].join('\n');
}

/** Explains a standard: its controls, what violates each, and what is not checked. */
export function renderStandard(id: CheckedStandard, paint: Paint): string {
  const { title, version, url, outside }: Standard = STANDARDS[id];
  const lines = checksOf(id).flatMap(({ id: control, control: entry, findings }) => [
    `${INDENT}${controlText(control, entry)}`,
    ...wrap(WIDTH - 2 * INDENT.length, findings.map((finding) => finding.id).join(', ') || 'not checked').map(
      (line) => INDENT + INDENT + line,
    ),
    ...(entry.note === undefined ? [] : wrap(WIDTH - 2 * INDENT.length, `(${entry.note})`)).map(
      (line) => INDENT + INDENT + line,
    ),
  ]);
  return [
    `${paint('strong', id)}: ${title} ${version}`,
    url,
    '',
    paint('strong', 'Controls, and the findings that violate them'),
    ...lines,
    ...(outside === undefined ? [] : ['', ...wrap(WIDTH, `Not about running containers: ${outside}.`)]),
    '',
  ].join('\n');
}

/** A reference, and where to read about it. */
function referenceLines(reference: Reference): readonly string[] {
  return [INDENT + referenceText(reference), INDENT + INDENT + referenceUrl(reference)];
}

function item(label: string, text: string): readonly string[] {
  const indent = INDENT + ' '.repeat(LABEL_WIDTH);
  return wrap(WIDTH - indent.length, text).map((line, index) =>
    index === 0 ? INDENT + label.padEnd(LABEL_WIDTH) + line : indent + line,
  );
}
