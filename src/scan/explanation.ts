import { type Finding, SEVERITIES } from '../findings/finding.ts';
import { type Reference, referenceText, referenceUrl } from '../findings/standards/references.ts';
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
