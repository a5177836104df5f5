import { acceptanceText, isOpen } from '../findings/acceptance.ts';
import type { Severity } from '../findings/finding.ts';
import type { LevelResult } from '../findings/level.ts';
import type { ContainerReport, Limiter } from '../report/container-report.ts';
import {
  acceptedOf,
  bySeverity,
  bytesText,
  levelText,
  limitText,
  nameOf,
  numberText,
  SCOPE_WORDS,
  UNKNOWN,
} from '../report/wording.ts';
import { cutTo, widthOf, wrap } from '../terminal/columns.ts';
import type { Paint, Style } from '../terminal/paint.ts';
import { printable } from '../terminal/printable.ts';
import type { ScanReport } from './comparison.ts';
import { notesOn } from './notes.ts';

/** The width of the table, in columns. */
const WIDTH = 100;
const GAP = '  ';
/** The maximum width of a name in the first column. A longer name gets its own line. */
const LONGEST_NAME = 26;
const LONGEST_ENGINE = 11;

/** How many unknown findings are named; the rest are only counted. */
const MOST_UNKNOWN_NAMED = 6;

const HEADINGS = ['CONTAINER', 'ENGINE', 'LEVEL', 'MEMORY', 'CPU', 'PIDS', 'HOST NS'];

/** The column width of the severity. */
const LABEL_WIDTH = 'critical'.length;

const STYLES: Readonly<Record<Severity, Style | undefined>> = {
  critical: 'alarm',
  high: 'bad',
  medium: 'warning',
  low: undefined,
  info: 'faint',
};

interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** Renders a report as a table for people, at most 100 columns wide unless a path is longer. */
export function renderScanTable(report: ScanReport, paint: Paint): string {
  const rows = report.containers.map((container) => ({
    container,
    name: nameCell(container),
    cells: cellsOf(container),
  }));
  const widths = HEADINGS.slice(0, -1).map((heading, column) =>
    Math.max(
      widthOf(heading),
      ...rows.map(({ name, cells }) => (column === 0 ? fittingWidth(name) : widthOf(cells[column - 1]?.text ?? ''))),
    ),
  );
  const before = widths.reduce((sum, width) => sum + width + GAP.length, 0);
  const lines = rows.flatMap(({ container, name, cells }) => {
    const isLong = fittingWidth(name) === 0;
    const [shared = '', ...more] = wrap(WIDTH - before, hostNamespacesOf(container));
    return [
      ...(isLong ? [paintCell(name, paint)] : []),
      lineOf([isLong ? { text: '' } : name, ...cells, { text: shared }], widths, paint),
      ...more.map((rest) => ' '.repeat(before) + rest),
      ...detailsOf(container, paint),
      '',
    ];
  });
  const headings = lineOf(
    HEADINGS.map((text): Cell => ({ text, style: 'strong' })),
    widths,
    paint,
  );
  return [...(rows.length === 0 ? [] : [headings, ...lines]), ...notesOn(report), ''].join('\n');
}

function nameCell({ labels }: ContainerReport): Cell {
  return { text: cutTo(WIDTH, printable(nameOf(labels))), style: 'strong' };
}

/** The column width that a name needs: 0 if it has its own line. */
function fittingWidth({ text }: Cell): number {
  const width = widthOf(text);
  return width > LONGEST_NAME ? 0 : width;
}

function cellsOf({ labels, isolationLevel, memory, cpu, pids }: ContainerReport): readonly Cell[] {
  return [
    { text: cutTo(LONGEST_ENGINE, printable(labels.engine)) },
    { text: levelText(isolationLevel), style: styleOf(isolationLevel) },
    { text: limitText(memory, bytesText) },
    { text: limitText(cpu, numberText) },
    { text: limitText(pids, numberText) },
  ];
}

/** Colours levels below `standard`, red only if the level is certain. */
function styleOf(isolationLevel: LevelResult | undefined): Style | undefined {
  if (isolationLevel === undefined || isolationLevel.level === 1) return 'warning';
  if (isolationLevel.level > 1) return undefined;
  return isolationLevel.certain ? 'alarm' : 'warning';
}

function hostNamespacesOf({ namespaces, sandbox }: ContainerReport): string {
  if (namespaces === undefined) return `in ${sandbox ?? 'a sandbox'}`;
  const known = namespaces.filter(({ peers }) => peers !== undefined);
  if (known.length === 0) return UNKNOWN;
  const words = namespaces.flatMap(({ kind, peers }) => {
    if (peers === undefined) return [`${kind}${UNKNOWN}`];
    return peers === 'host' ? [kind] : [];
  });
  return words.join(' ') || 'none';
}

function detailsOf(container: ContainerReport, paint: Paint): readonly string[] {
  const shared = (container.namespaces ?? []).flatMap(({ kind, peers }) =>
    typeof peers === 'number' && peers > 0 ? [`${kind} with ${peers} other${peers === 1 ? '' : 's'}`] : [],
  );
  const areOthersUnknown = container.namespaces?.some(({ peers }) => peers === 'not host') === true;
  const unknown = container.findings.filter((each) => isOpen(each, 'unknown')).map(({ finding }) => finding.id);
  return [
    ...detail({ text: 'shared' }, [...shared, ...(areOthersUnknown ? ['unknown with whom'] : [])], paint),
    ...detail({ text: 'limits' }, limitsOfOthers(container), paint),
    ...[...bySeverity(container, 'yes')].flatMap(([severity, found]) => {
      const ids = found.map(({ finding, since }) => `${finding.id}${since === 'new' ? ' (new)' : ''}`);
      return detail({ text: severity, style: STYLES[severity] }, ids, paint);
    }),
    ...acceptances(container).flatMap((text, index) =>
      detail({ text: index === 0 ? 'accepted' : '', style: 'faint' }, [text], paint),
    ),
    ...detail(
      { text: 'unknown', style: 'warning' },
      unknown.length > MOST_UNKNOWN_NAMED ? [`${unknown.length} findings could not be checked`] : unknown,
      paint,
    ),
  ];
}

/** Each reason why findings of a container are accepted, with these findings. */
function acceptances(container: ContainerReport): readonly string[] {
  const byText = new Map<string, string[]>();
  for (const { finding, answer, accepted } of acceptedOf(container)) {
    const text = printable(acceptanceText(accepted));
    const id = answer === 'unknown' ? `${finding.id}${UNKNOWN}` : finding.id;
    byText.set(text, [...(byText.get(text) ?? []), id]);
  }
  return [...byText].map(([text, ids]) => `${ids.join(', ')}: ${text}`);
}

/** The limits that other cgroups than its own set for a container, together by cgroup. */
function limitsOfOthers({ path, memory, cpu, pids }: ContainerReport): readonly string[] {
  const byPlace = new Map<string, string[]>();
  const add = (what: string, limiter: Limiter): void => {
    const place = `${SCOPE_WORDS[limiter.scope]}: ${printable(placeOf(limiter, path))}`;
    byPlace.set(place, [...(byPlace.get(place) ?? []), what]);
  };
  for (const limiter of memory.limiters) add(`memory ${bytesText(limiter.limit)}`, limiter);
  for (const limiter of cpu.limiters) add(`CPU ${numberText(limiter.limit)}`, limiter);
  for (const limiter of pids.limiters) add(`PIDs ${numberText(limiter.limit)}`, limiter);
  return [...byPlace].map(([place, limits]) => `${limits.join(', ')} (${place})`);
}

/** A cgroup inside the container by its path from there, as a container's path can be as long as a line. */
function placeOf({ path }: Limiter, container: string): string {
  return path.startsWith(`${container}/`) ? path.slice(container.length + 1) : path;
}

/** Lines of a list below a container, none if there is nothing in it. */
function detail(label: Cell, items: readonly string[], paint: Paint): readonly string[] {
  if (items.length === 0) return [];
  const indent = ' '.repeat(GAP.length + LABEL_WIDTH + GAP.length);
  const lines = wrap(WIDTH - indent.length, items.join(', '));
  const padding = ' '.repeat(LABEL_WIDTH - label.text.length);
  const head = `${GAP}${paintCell(label, paint)}${padding}${GAP}`;
  return lines.map((line, index) => (index === 0 ? head : indent) + line);
}

function lineOf(cells: readonly Cell[], widths: readonly number[], paint: Paint): string {
  return cells
    .map((cell, column) => paintCell(cell, paint) + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell.text))))
    .join(GAP)
    .trimEnd();
}

function paintCell({ text, style }: Cell, paint: Paint): string {
  return style === undefined || text === '' ? text : paint(style, text);
}
