import { createHash } from 'node:crypto';
import { acceptanceText } from '../findings/acceptance.ts';
import type { Assessed } from '../findings/assess.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { nameOf } from '../report/wording.ts';
import { printableJson } from '../terminal/printable-json.ts';
import { printable } from '../terminal/printable.ts';
import type { Version } from '../version.ts';
import { identityOf, type Labels } from './identity.ts';
import { LEVELS, ruleOf } from './sarif-rules.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** The base of the locations: a container is in no file, so its names are the path. */
const BASE = 'CONTAINERS';

/**
 * Renders a report as SARIF 2.1.0. A finding is a result of kind `fail`, an unknown one of kind `open`. A finding that a
 * container does not have is no result. One that somebody has accepted is suppressed.
 */
export function renderSarif(report: HostReport, version: Version): string {
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: version.name,
            version: version.version,
            semanticVersion: version.version,
            rules: findings.map(ruleOf),
          },
        },
        originalUriBaseIds: { [BASE]: { description: { text: 'The containers of the host, by engine and name.' } } },
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

function resultOf(container: ContainerReport, { finding, answer, since, accepted }: Assessed): readonly object[] {
  if (answer === 'no') return [];
  const { labels, id } = container;
  const name = nameOf(labels);
  const identity = identityOf(labels);
  const print = fingerprint([...Object.values(identity), finding.id]);
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
          physicalLocation: {
            artifactLocation: { uri: uriOf(identity), uriBaseId: BASE },
            region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 },
          },
          logicalLocations: [{ name, fullyQualifiedName: `${labels.engine}/${name}`, kind: 'container' }],
          properties: { containerId: id },
        },
      ],
      // By names, so that a restarted container keeps its results. GitHub knows only the second.
      partialFingerprints: { 'container/v1': print, primaryLocationLineHash: `${print.slice(0, 16)}:1` },
      ...(accepted !== undefined && {
        suppressions: [{ kind: 'external', status: 'accepted', justification: acceptanceText(accepted) }],
      }),
    },
  ];
}

function notificationOf({ labels, failure }: ContainerReport): readonly object[] {
  if (failure === undefined) return [];
  const text = `Some facts of container ${JSON.stringify(nameOf(labels))} could not be read: ${failure.message}`;
  return [{ level: 'warning', message: { text } }];
}

/** A relative URI that stays the same after a restart: `containerd/shop/db-0/app`. */
function uriOf({ engine, namespace, pod, container }: Labels): string {
  return [engine, namespace, pod, container]
    .filter((part) => part !== '')
    .map(segmentOf)
    .join('/');
}

function segmentOf(name: string): string {
  const segment = encodeURIComponent(printable(name));
  // Dots alone would leave the folder.
  return /^\.+$/.test(segment) ? `${segment}_` : segment;
}

function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
