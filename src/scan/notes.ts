import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { nameOf } from '../report/wording.ts';
import { cutTo, wrap } from '../terminal/columns.ts';
import { printable } from '../terminal/printable.ts';
import { changeText, type Comparison, comparisonText, type ScanReport } from './comparison.ts';
import { countsOf } from './counts.ts';
import { isShownById } from './selection.ts';

/** The width of the text, in columns. */
const WIDTH = 100;

/** Engines that name their own containers, also in pods. */
const OWN_NAMES: ReadonlySet<string> = new Set(['docker', 'podman']);

/** The lines below the table: a summary, what is unknown and why, and what to run next. */
export function notesOn({ containers, sources, overLimit, comparison }: ScanReport): readonly string[] {
  const unnamed = containers.filter(isShownById);
  // Names of pods come from the source `cri`, whatever the runtime; Docker and Podman name their own containers.
  const lacking = unnamed.map(({ labels: { engine, pod } }) => (pod === '' || OWN_NAMES.has(engine) ? engine : 'cri'));
  const kinds = new Set(lacking);
  // With several engines of a kind, each has its host after a colon.
  const silent = [...sources].flatMap(([name, up]) => (!up && kinds.has(name.split(':')[0] ?? '') ? name : []));
  const isUncertain = containers.some(({ isolationLevel }) => isolationLevel?.certain === false);
  return [
    ...summaryOf(containers),
    ...(comparison === undefined ? [] : changesSince(comparison)),
    ...(isUncertain ? ['≥ means at least: unknown facts can only raise the level.'] : []),
    ...namesOf(containers, unnamed),
    ...(silent.length > 0 ? [`No names from ${silent.join(', ')}: containers are shown by id.`] : []),
    ...tooMany(overLimit),
    ...missing(containers, sources).map((text) => cutTo(WIDTH, printable(text))),
  ];
}

/** How many of a list are named; the rest are only counted. */
const MOST_NAMED = 10;

/** What is new since the baseline, and what was fixed. */
function changesSince(comparison: Comparison): readonly string[] {
  const { fixed, gone } = comparison;
  return [
    cutTo(WIDTH, printable(comparisonText(comparison))),
    ...listed('Fixed since', fixed.map(changeText)),
    ...listed('Gone since', gone.map(nameOf)),
  ];
}

function listed(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length - MOST_NAMED;
  const rest = more > 0 ? [`and ${more} more`] : [];
  return wrap(WIDTH, `${what}: ${[...names.slice(0, MOST_NAMED).map(printable), ...rest].join(', ')}`);
}

/** Which sources gave names, and how many containers have none. */
function namesOf(containers: readonly ContainerReport[], unnamed: readonly ContainerReport[]): readonly string[] {
  const named = containers.filter((container) => !unnamed.includes(container));
  const sources = [...new Set(named.flatMap(({ namedBy }) => namedBy ?? []))].toSorted();
  const counts = sources.map((source) => `${named.filter(({ namedBy }) => namedBy === source).length} from ${source}`);
  const rest = unnamed.length === 1 ? '1 container is shown by id' : `${unnamed.length} containers are shown by id`;
  const parts = [...(counts.length === 0 ? [] : [counts.join(', ')]), ...(unnamed.length === 0 ? [] : [rest])];
  return parts.length === 0 ? [] : [`Names: ${parts.join('; ')}.`];
}

function summaryOf(containers: readonly ContainerReport[]): readonly string[] {
  if (containers.length === 0) {
    return ['No containers found; isolation-exporter diagnose shows what can be read here.'];
  }
  const { counts, unknown } = countsOf(containers);
  const number = `${containers.length} container${containers.length === 1 ? '' : 's'}`;
  if (counts.length === 0)
    return [`${number}, no findings.${unknown === 0 ? '' : ` ${unknown} could not be checked.`}`];
  return [
    `${number}. Findings: ${counts.join(', ')}.`,
    'Why, and how to fix it: isolation-exporter scan --explain FINDING',
  ];
}

function missing(containers: readonly ContainerReport[], sources: HostReport['sources']): readonly string[] {
  return [...unseen(sources), ...unread(containers, sources)];
}

function tooMany(count: number): readonly string[] {
  if (count === 0) return [];
  const what = count === 1 ? '1 cgroup looks like a container and is' : `${count} cgroups look like containers and are`;
  return [`${what} not listed: too many (--discovery.max-nested, --discovery.max-per-user).`];
}

/** Containers that may exist without being listed. */
function unseen(sources: HostReport['sources']): readonly string[] {
  if (sources.get('cgroup_walk') !== false) return [];
  return ['Some cgroups could not be looked at: containers in them are missing here.'];
}

function unread(containers: readonly ContainerReport[], sources: HostReport['sources']): readonly string[] {
  const failed = containers.find(({ failure }) => failure !== undefined);
  if (failed === undefined && sources.get('host_namespaces') !== false) return [];
  const reason = failed?.failure?.message ?? "the host's namespaces are unknown";
  return [`Some facts could not be read, see isolation-exporter diagnose: ${reason}`];
}
