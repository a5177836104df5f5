import { isOpen } from '../findings/acceptance.ts';
import type { Assessed } from '../findings/assess.ts';
import { type Finding, SEVERITIES, type Severity } from '../findings/finding.ts';
import { controlText } from '../findings/standards/references.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { acceptedOf, bySeverity, levelText, nameOf } from '../report/wording.ts';
import type { Version } from '../version.ts';
import { type Comparison, type ScanReport } from './comparison.ts';
import { countsOf } from './counts.ts';
import { code, folded, prose, table } from './markdown-text.ts';
import {
  complianceBy,
  containersBy,
  notCheckedBy,
  notCheckedText,
  resultOf,
  type ScanStandard,
  titleOf,
  verdictOf,
} from './standard.ts';

/** The severities in the table that is always visible. */
const VISIBLE: readonly Severity[] = ['critical', 'high', 'medium'];

/** How many rows a table has before the rest is folded. */
const MOST_VISIBLE_ROWS = 20;

/** How many of a list are named; the rest are only counted. */
const MOST_NAMED = 10;

/** How long the text may be if rows can be left out, in UTF-16 units. A comment on GitHub may have 65,536 characters. */
const LONGEST = 60_000;

/** Renders a report as Markdown for a comment on a pull request: a summary, the worst findings, and folded details. */
export function renderMarkdown(report: ScanReport, { name }: Version): string {
  const rows = report.containers.toSorted(byWorst).flatMap((container) => {
    const row = rowOf(container, ({ finding, since }) => since === 'new' || VISIBLE.includes(finding.severity));
    return row === undefined ? [] : [row];
  });
  const visible = rows.slice(0, MOST_VISIBLE_ROWS);
  const head = [
    `### ${prose(name)} scan`,
    '',
    summaryOf(report),
    '',
    ...(report.comparison === undefined ? [] : [changesSince(report.comparison), '']),
    ...(report.standard === undefined ? [] : [...standardOf(report.standard, report.containers), '']),
    ...(visible.length === 0 ? [] : [...table(HEADINGS, visible), '']),
    ...(rows.length > visible.length ? [`${numberOf(rows.length - visible.length)} more below.`, ''] : []),
  ];
  const remedies = remediesFor(report.containers);
  const room = LONGEST - lengthOf([...head, ...remedies]);
  return [...head, ...detailsOf(report.containers, room), ...remedies, ''].join('\n');
}

function lengthOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0);
}

const HEADINGS = ['Container', 'Engine', 'Level', 'Findings'];

/** What is new since the baseline, and what was fixed. */
function changesSince({ file, added, known, fixed, gone }: Comparison): string {
  const list = (texts: readonly string[]): string => {
    const more = texts.length - MOST_NAMED;
    return [...texts.slice(0, MOST_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
  };
  return [
    `Compared with ${code(file)}: **${added} new**, ${known} known, ${fixed.length} fixed.`,
    ...(fixed.length === 0
      ? []
      : [`Fixed: ${list(fixed.map(({ labels, finding }) => `${code(nameOf(labels))} ${code(finding)}`))}.`]),
    ...(gone.length === 0 ? [] : [`Containers that are gone: ${list(gone.map((labels) => code(nameOf(labels))))}.`]),
  ].join(' ');
}

/** How the containers do by the standard, and what of it is not checked. */
function standardOf(standard: ScanStandard, containers: readonly ContainerReport[]): readonly string[] {
  const rows = containers.flatMap((container) => {
    const compliance = complianceBy(standard, container);
    const violated = compliance.controls.filter(({ violates }) => violates === 'yes');
    const texts = violated.map(({ id, control }) => prose(controlText(id, control)));
    return compliance.violates === 'no'
      ? []
      : [[code(nameOf(container.labels)), code(container.labels.engine), verdictOf(compliance), texts.join('<br>')]];
  });
  const visible = rows.slice(0, MOST_VISIBLE_ROWS);
  const left = rows.length - visible.length;
  return [
    `[${prose(titleOf(standard))}](${standard.standard.url}): ${resultOf(containersBy(standard, containers))}`,
    ...(rows.length === 0 ? [] : ['', ...table(['Container', 'Engine', 'Result', 'Violated'], visible)]),
    ...(left > 0 ? ['', `And ${numberOf(left)} more.`] : []),
    '',
    ...folded(
      'Not checked',
      notCheckedBy(standard).map((check) => `- ${prose(notCheckedText(check))}`),
    ),
  ];
}

function summaryOf({ containers }: ScanReport): string {
  if (containers.length === 0) return 'No containers found.';
  const { counts, unknown } = countsOf(containers);
  const found = counts.length === 0 ? 'no findings' : `findings: ${counts.join(', ')}`;
  const open = unknown === 0 ? '' : ` ${unknown} could not be checked.`;
  return `**${numberOf(containers.length)}, ${found}.**${open}`;
}

function numberOf(containers: number): string {
  return containers === 1 ? '1 container' : `${containers} containers`;
}

/** The position of the worst severity among all. */
function worstOf(container: ContainerReport): number {
  const [worst] = bySeverity(container, 'yes').keys();
  return worst === undefined ? SEVERITIES.length : SEVERITIES.indexOf(worst);
}

function byWorst(a: ContainerReport, b: ContainerReport): number {
  return Number(hasNew(b)) - Number(hasNew(a)) || worstOf(a) - worstOf(b);
}

function hasNew({ findings }: ContainerReport): boolean {
  return findings.some((each) => isOpen(each) && each.since === 'new');
}

/** The row of a container; `undefined` if it has none of these findings and no other line. */
function rowOf(
  container: ContainerReport,
  isShown: (assessed: Assessed) => boolean,
  others: readonly string[] = [],
): readonly string[] | undefined {
  const lines = [...bySeverity(container, 'yes')].flatMap(([severity, assessed]) => {
    const found = assessed
      .filter(isShown)
      .map(({ finding, since }) => `${code(finding.id)}${since === 'new' ? ' (**new**)' : ''}`);
    return found.length === 0 ? [] : [`**${severity}** ${found.join(', ')}`];
  });
  const cell = [...lines, ...others].join('<br>');
  const { labels, isolationLevel } = container;
  return cell === '' ? undefined : [code(nameOf(labels)), code(labels.engine), prose(levelText(isolationLevel)), cell];
}

/** All findings of all containers, also the unknown ones, as far as there is room for the rows. */
function detailsOf(containers: readonly ContainerReport[], room: number): readonly string[] {
  const rows = containers.flatMap((container) => {
    const unknown = container.findings.filter((each) => isOpen(each, 'unknown'));
    const all = unknown.length === container.findings.length ? 'all' : String(unknown.length);
    const accepted = acceptedOf(container).map(({ finding }) => code(finding.id));
    const row = rowOf(container, () => true, [
      ...(unknown.length === 0 ? [] : [`**unknown** ${all}`]),
      ...(accepted.length === 0 ? [] : [`**accepted** ${accepted.join(', ')}`]),
    ]);
    return row === undefined ? [] : [row];
  });
  if (rows.length === 0) return [];
  const [headings = '', line = '', ...all] = table(HEADINGS, rows);
  let free = room;
  const fitting = all.filter((row) => (free -= row.length + 1) >= 0);
  const left = all.length - fitting.length;
  const more = left > 0 ? ['', `And ${numberOf(left)} more.`] : [];
  return [...folded('All findings', [headings, line, ...fitting, ...more]), ''];
}

/** Why each finding matters, and how to fix it. */
function remediesFor(containers: readonly ContainerReport[]): readonly string[] {
  const found = new Set(
    containers.flatMap(({ findings }) => findings.flatMap((each) => (isOpen(each) ? each.finding : []))),
  );
  if (found.size === 0) return [];
  const sorted = SEVERITIES.flatMap((severity) => [...found].filter((finding) => finding.severity === severity));
  return folded('Why, and how to fix it', sorted.flatMap(remedyFor).slice(0, -1));
}

function remedyFor({ id, severity, title, why, fix }: Finding): readonly string[] {
  return [
    `**${code(id)}** (${severity}): ${prose(title)}. ${prose(why)}`,
    '',
    `- docker run: ${prose(fix.docker)}`,
    `- Compose: ${prose(fix.compose)}`,
    `- Kubernetes: ${prose(fix.kubernetes)}`,
    '',
  ];
}
