import type { Finding, Severity } from '../findings/finding.ts';
import { controlOf, referenceText, referenceUrl, STANDARDS } from '../findings/standards/references.ts';
import { code, prose } from './markdown-text.ts';

export const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};

/** CVSS-like scores, by which code scanning sorts. Without one, a rule is not about security. */
const SCORES: Readonly<Record<Severity, string | undefined>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.0',
  low: '3.0',
  info: undefined,
};

/** The rule of a finding, with what code scanning on GitHub shows and sorts by. */
export function ruleOf({ id, severity, title, why, fix, references }: Finding): object {
  const fixes: readonly (readonly [string, string])[] = [
    ['docker run', fix.docker],
    ['compose', fix.compose],
    ['Kubernetes', fix.kubernetes],
  ];
  const [first] = references;
  return {
    id,
    name: id,
    shortDescription: { text: title },
    fullDescription: { text: why },
    // The documentation of the control.
    helpUri: first && referenceUrl(first),
    help: {
      text: [
        why,
        '',
        'How to fix it:',
        ...fixes.map(([where, what]) => `- ${where}: ${what}`),
        ...(references.length === 0 ? [] : ['', `References: ${references.map(referenceText).join('; ')}`]),
      ].join('\n'),
      markdown: [
        `${code(id)}: ${prose(why)}`,
        '',
        '**How to fix it**',
        '',
        ...fixes.map(([where, what]) => `- ${where}: ${prose(what)}`),
        ...(references.length === 0 ? [] : ['', '**References**', '']),
        ...references.map((reference) => `- [${prose(referenceText(reference))}](${referenceUrl(reference)})`),
      ].join('\n'),
    },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: {
      tags: ['security', 'container', ...new Set(references.map(({ standard }) => standard))],
      // The kernel says so.
      precision: 'very-high',
      'problem.severity': SCORES[severity] === undefined ? 'recommendation' : undefined,
      severity,
      'security-severity': SCORES[severity],
      references: references.map((reference) => ({
        standard: reference.standard,
        version: STANDARDS[reference.standard].version,
        control: reference.control,
        title: controlOf(reference).title,
      })),
    },
  };
}
