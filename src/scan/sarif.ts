import { createHash } from 'node:crypto';
import type { Assessed } from '../findings/assess.ts';
import type { Finding, Severity } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { referenceText } from '../findings/standards/references.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { nameOf } from '../report/wording.ts';
import { printableJson } from '../terminal/printable-json.ts';
import type { Version } from '../version.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};

/** CVSS-like scores, by which code scanning sorts. */
const SCORES: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.0',
  low: '3.0',
  info: '0.0',
};

/**
 * Renders a report as SARIF 2.1.0. A finding is a result of kind `fail`, an unknown one of kind `open`. A finding that a
 * container does not have is no result.
 */
export function renderSarif(report: HostReport, version: Version): string {
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: version.name, version: version.version, rules: findings.map(ruleOf) } },
        invocations: [
          {
            executionSuccessful: true,
            endTimeUtc: new Date(report.at).toISOString(),
            toolExecutionNotifications: report.containers.flatMap(notificationOf),
          },
        ],
        results: report.containers.flatMap((container) =>
          container.findings.flatMap((assessed) => resultOf(container, assessed)),
        ),
      },
    ],
  };
  return printableJson(log);
}

function ruleOf({ id, severity, title, why, fix, references }: Finding): object {
  const fixes = [
    ['docker run', fix.docker],
    ['compose', fix.compose],
    ['Kubernetes', fix.kubernetes],
  ].map(([where, what]) => `${where}: ${what}`);
  const sources = references.length === 0 ? [] : ['', `References: ${references.map(referenceText).join('; ')}`];
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: {
      text: [why, '', 'How to fix it:', ...fixes.map((line) => `- ${line}`), ...sources].join('\n'),
    },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { tags: ['security', 'container'], severity, 'security-severity': SCORES[severity] },
  };
}

function resultOf(container: ContainerReport, { finding, answer, since }: Assessed): readonly object[] {
  if (answer === 'no') return [];
  const { labels, id } = container;
  const name = nameOf(labels);
  const text = answer === 'yes' ? finding.title : `Could not be checked: ${finding.title}`;
  return [
    {
      ruleId: finding.id,
      ruleIndex: findings.indexOf(finding),
      kind: answer === 'yes' ? 'fail' : 'open',
      level: answer === 'yes' ? LEVELS[finding.severity] : 'none',
      baselineState: since && (since === 'new' ? 'new' : 'unchanged'),
      message: { text: `${text} (container ${JSON.stringify(name)})` },
      locations: [
        {
          logicalLocations: [{ name, fullyQualifiedName: `${labels.engine}/${name}`, kind: 'container' }],
          properties: { containerId: id },
        },
      ],
      // Identifies the container by name, so that a restarted container keeps its results.
      partialFingerprints: { 'container/v1': fingerprint([labels.engine, name, finding.id]) },
    },
  ];
}

function notificationOf({ labels, failure }: ContainerReport): readonly object[] {
  if (failure === undefined) return [];
  const text = `Some facts of container ${JSON.stringify(nameOf(labels))} could not be read: ${failure.message}`;
  return [{ level: 'warning', message: { text } }];
}

function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
