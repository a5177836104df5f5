import { expect, test } from 'vitest';
import { CHECKED_STANDARDS, checksOf } from '../findings/compliance.ts';
import { findings } from '../findings/index.ts';
import { referenceText, STANDARDS } from '../findings/standards/references.ts';
import { createPaint } from '../terminal/paint.ts';
import { renderExplanation, renderFindingList, renderStandard } from './explanation.ts';

const paint = createPaint('off');

test.each(findings)('$id is explained', (finding) => {
  const text = renderExplanation(finding, paint);
  expect(text.startsWith(`${finding.id} (${finding.severity}): ${finding.title}\n\n`)).toBe(true);
  const unbroken = text.replaceAll(/\s+/g, ' ');
  for (const part of [finding.why, ...Object.values(finding.fix), ...finding.references.map(referenceText)])
    expect(unbroken).toContain(part);
  expect(text).toMatch(/\n {2}docker run {2}\S.*\n(.*\n)* {2}compose {5}\S.*\n(.*\n)* {2}Kubernetes {2}\S/);
  // An address cannot be wrapped.
  const lines = text.split('\n').filter((line) => !line.startsWith('    https:'));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(text).toMatch(/[^\n]\n$/);
});

test.each(CHECKED_STANDARDS)('the standard %s is explained', (id) => {
  const text = renderStandard(id, paint);
  expect(text).toContain(`${id}: ${STANDARDS[id].title} ${STANDARDS[id].version}\n${STANDARDS[id].url}\n`);
  for (const { control } of checksOf(id)) expect(text).toContain(control.title);
  const lines = text.split('\n').filter((line) => !line.startsWith('https:'));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
});

test('the list has each finding once, below its severity', () => {
  const text = renderFindingList(findings, paint);
  let severity = '';
  const listed = text.split('\n').flatMap((line) => {
    if (!line.startsWith(' ')) severity = line || severity;
    const id = /^ {2}(\w+) {2}/.exec(line)?.[1];
    return id === undefined ? [] : [`${severity} ${id}`];
  });
  expect(listed.toSorted()).toEqual(findings.map((finding) => `${finding.severity} ${finding.id}`).toSorted());
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
});
