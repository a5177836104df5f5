import { isOpen } from '../findings/acceptance.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { printableJson } from '../terminal/printable-json.ts';
import { identityOf, keyOf, type Labels } from './identity.ts';

/** The `format` of the file, which distinguishes it from the files of other tools. */
const FORMAT = 'isolation-exporter scan baseline';
const VERSION = 1;

const LABEL_NAMES = ['engine', 'namespace', 'pod', 'container'] as const;
const CONTAINER_KEYS: readonly string[] = [...LABEL_NAMES, 'findings', 'unknown'];

/** The findings that are known, by the key of the container's identity. */
export type Baseline = ReadonlyMap<string, KnownContainer>;

export interface KnownContainer {
  readonly labels: Labels;
  /** Ids of the findings that it has. */
  readonly findings: ReadonlySet<string>;
  /** Ids of the findings that could not be checked. */
  readonly unknown: ReadonlySet<string>;
}

/**
 * The baseline of these containers. Of replicas, it has the findings of all. Accepted findings are not in it, so that they fail a scan
 * when their acceptance ends.
 */
export function baselineOf(containers: readonly ContainerReport[]): Baseline {
  const baseline = new Map<string, { labels: Labels; findings: Set<string>; unknown: Set<string> }>();
  for (const { labels, findings: assessed } of containers) {
    const identity = identityOf(labels);
    const key = keyOf(identity);
    const known = baseline.get(key) ?? { labels: identity, findings: new Set(), unknown: new Set() };
    for (const each of assessed) {
      if (isOpen(each)) known.findings.add(each.finding.id);
      if (isOpen(each, 'unknown')) known.unknown.add(each.finding.id);
    }
    if (known.findings.size + known.unknown.size > 0) baseline.set(key, known);
  }
  return baseline;
}

/** Renders the file: sorted, one finding on a line, without time or ids, so that a change shows as such in version control. */
export function renderBaseline(baseline: Baseline): string {
  const containers = [...baseline]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { labels, findings: found, unknown }]) => ({
      ...Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')),
      ...(found.size > 0 && { findings: [...found].toSorted() }),
      ...(unknown.size > 0 && { unknown: [...unknown].toSorted() }),
    }));
  return printableJson({ format: FORMAT, version: VERSION, containers });
}

/**
 * Reads the file.
 *
 * @throws SyntaxError if it is no valid baseline: one line that says where and why.
 */
export function parseBaseline(text: string): Baseline {
  const file = jsonOf(text);
  if (!isObject(file) || file['format'] !== FORMAT) {
    throw new SyntaxError(`not a baseline of this program ("format" is not "${FORMAT}")`);
  }
  const { version, containers } = file;
  if (version !== VERSION) {
    const found = typeof version === 'number' ? `version ${version}` : 'no version';
    throw new SyntaxError(`${found}, but this program reads version ${VERSION}; write the baseline again`);
  }
  refuseOthers(file, ['format', 'version', 'containers'], '');
  if (!Array.isArray(containers)) throw new SyntaxError('"containers" is not a list');
  const baseline = new Map<string, KnownContainer>();
  for (const [index, each] of containers.entries()) {
    const place = `containers[${index}]`;
    const known = containerOf(each, place);
    const key = keyOf(known.labels);
    if (baseline.has(key)) throw new SyntaxError(`${place} is there twice`);
    baseline.set(key, known);
  }
  return baseline;
}

function jsonOf(text: string): unknown {
  try {
    // Editors of Windows begin a file with a byte order mark.
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw new SyntaxError(text.trim() === '' ? 'the file is empty' : 'not JSON');
  }
}

function containerOf(value: unknown, place: string): KnownContainer {
  if (!isObject(value)) throw new SyntaxError(`${place} is not an object`);
  refuseOthers(value, CONTAINER_KEYS, `${place}.`);
  const [engine = '', namespace = '', pod = '', container = ''] = LABEL_NAMES.map((name) => {
    const label = value[name] ?? '';
    if (typeof label !== 'string') throw new SyntaxError(`${place}.${name} is not text`);
    return label;
  });
  if (engine === '' || container === '') throw new SyntaxError(`${place} lacks "engine" or "container"`);
  return {
    labels: { engine, namespace, pod, container },
    findings: idsOf(value['findings'], `${place}.findings`),
    unknown: idsOf(value['unknown'], `${place}.unknown`),
  };
}

function idsOf(value: unknown, place: string): ReadonlySet<string> {
  if (value === undefined) return new Set();
  if (!Array.isArray(value)) throw new SyntaxError(`${place} is not a list`);
  const ids = new Set<string>();
  for (const [index, id] of value.entries()) {
    if (!findings.some((finding) => finding.id === id)) {
      throw new SyntaxError(`${place}[${index}] is not the id of a finding of this version: ${JSON.stringify(id)}`);
    }
    ids.add(String(id));
  }
  if (ids.size < value.length) throw new SyntaxError(`${place} has a finding twice`);
  return ids;
}

function refuseOthers(value: Readonly<Record<string, unknown>>, known: readonly string[], place: string): void {
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other !== undefined) throw new SyntaxError(`${place}${JSON.stringify(other)} is not known`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
