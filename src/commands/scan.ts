import { type Config, UsageError } from '../config/config.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { SEVERITIES } from '../findings/finding.ts';
import { CHECKED_STANDARDS } from '../findings/compliance.ts';
import { findings } from '../findings/index.ts';
import type { Log } from '../log.ts';
import type { ScanOutput, ScanStandardName } from '../config/commands.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { type HostReport, readHost } from '../report/host-report.ts';
import { type Baseline, baselineOf } from '../scan/baseline.ts';
import { compareWith, type ScanReport } from '../scan/comparison.ts';
import { renderExplanation, renderFindingList, renderStandard } from '../scan/explanation.ts';
import { renderJson } from '../scan/json.ts';
import { renderJunit } from '../scan/junit.ts';
import { renderMarkdown } from '../scan/markdown.ts';
import { renderSarif } from '../scan/sarif.ts';
import { isCalled, isShownById } from '../scan/selection.ts';
import { checkedBy } from '../scan/standard.ts';
import { renderStandardTable } from '../scan/standard-table.ts';
import { renderScanTable } from '../scan/scan-table.ts';
import { type Criterion, checkCriteria, parseCriterion, type FailOnResult, unseenIn } from '../scan/fail-on.ts';
import { createPaint } from '../terminal/paint.ts';
import type { Version } from '../version.ts';
import { readBaseline, writeBaseline } from './baseline-file.ts';

/** What to show, and how. */
export interface ScanOptions {
  readonly output: ScanOutput;
  /** Names; empty: all containers. */
  readonly containers: readonly string[];
  /** Severities, ids of findings, `unknown`. */
  readonly failOn: readonly string[];
  /** The standard to check by. */
  readonly standard: ScanStandardName | undefined;
  /** The file to compare with. */
  readonly baseline: string | undefined;
  /** The file to write a baseline to. */
  readonly newBaseline: string | undefined;
  readonly version: Version;
  readonly colour: 'on' | 'off';
}

/** How long to wait for names from engines. A container without a name is then shown by its id. */
const WAIT_FOR_NAMES_MS = 2_000;
/** How much longer to wait if no container has a requested name yet. */
const WAIT_FOR_THAT_NAME_MS = 8_000;

/** How many findings the message of `--fail-on` names; the rest are only counted. */
const MOST_NAMED = 5;

/** Scans all containers once. `complaints` are lines for stderr. */
export async function scanHere(
  config: Config,
  options: ScanOptions,
  log: Log,
): Promise<{ readonly text: string; readonly complaints: readonly string[]; readonly passed: boolean }> {
  // First, so that an invalid option fails before any work.
  const criteria = options.failOn.map(criterionOf);
  const baseline = options.baseline === undefined ? undefined : await readBaseline(options.baseline);
  const report = await lookOnce(config, options.containers, log);
  const chosen = { ...report, containers: selectFrom(report.containers, options.containers) };
  const selected = options.standard === undefined ? chosen : checkedBy(options.standard, chosen);
  const compared = baseline === undefined ? selected : compare(selected, baseline, options);
  const unseen = unseenIn(selected, scopeOf(options));
  const result = checkCriteria(compared.containers, criteria, unseen);
  const written = await writeTo(options.newBaseline, selected.containers);
  return {
    text: RENDERERS[options.output](compared, options),
    complaints: [...complaintsOf(result, criteria), ...written],
    passed: !result.fails,
  };
}

function compare(report: ScanReport, baseline: Baseline, options: ScanOptions): ScanReport {
  const { baseline: file = '' } = options;
  return { ...report, ...compareWith(baseline, report.containers, { file, scope: scopeOf(options) }) };
}

function scopeOf({ containers: names }: ScanOptions): 'all' | 'selected' {
  return names.length === 0 ? 'all' : 'selected';
}

/** Writes a baseline, if one is requested. Returns lines for stderr. */
async function writeTo(file: string | undefined, containers: readonly ContainerReport[]): Promise<readonly string[]> {
  if (file === undefined) return [];
  const baseline = baselineOf(containers);
  await writeBaseline(file, baseline);
  const count = [...baseline.values()].reduce((sum, { findings: found }) => sum + found.size, 0);
  const unnamed = containers.filter(isShownById).length;
  return [
    `wrote ${file}: ${count} findings`,
    ...(unnamed === 0 ? [] : [`${unnamed} containers are known by id only: after a restart, their findings are new`]),
  ];
}

/**
 * Explains the finding or the standard with that id; `list` shows all findings.
 *
 * @throws UsageError if nothing has that id.
 */
export function explain(what: string, colour: 'on' | 'off'): string {
  const paint = createPaint(colour);
  if (what === 'list') return renderFindingList(findings, paint);
  const standard = CHECKED_STANDARDS.find((id) => id === what);
  if (standard !== undefined) return renderStandard(standard, paint);
  const finding = findings.find(({ id }) => id === what);
  if (finding === undefined) throw notExpected('--explain', 'the id of a finding, a standard or list', what);
  return renderExplanation(finding, paint);
}

function criterionOf(text: string): Criterion {
  const criterion = parseCriterion(text);
  if (criterion !== undefined) return criterion;
  throw notExpected('--fail-on', `${SEVERITIES.join(', ')}, the id of a finding or unknown`, text);
}

function notExpected(option: string, expected: string, text: string): UsageError {
  return new UsageError(`${option}: expected ${expected}, not ${JSON.stringify(text)}`);
}

async function lookOnce(config: Config, names: readonly string[], log: Log): Promise<HostReport> {
  // The environment may be that of a daemon, as in `docker exec`. The state file is the daemon's alone.
  await using daemon = await startDaemon({ ...config, oom: { ...config.oom, stateFile: undefined } }, log);
  const areNamed = await daemon.waitForNames(WAIT_FOR_NAMES_MS);
  const report = await daemon.look(readHost);
  if (areNamed || missingIn(report.containers, names) === undefined) return report;
  // The requested container may be one that has no name yet.
  await daemon.waitForNames(WAIT_FOR_THAT_NAME_MS);
  return await daemon.look(readHost);
}

function missingIn(containers: readonly ContainerReport[], names: readonly string[]): string | undefined {
  return names.find((name) => !containers.some((container) => isCalled(name, container)));
}

function selectFrom(containers: readonly ContainerReport[], names: readonly string[]): readonly ContainerReport[] {
  const missing = missingIn(containers, names);
  // Reporting no findings for a container that does not exist would be dangerous.
  if (missing !== undefined)
    throw new UsageError(`--container: there is no running container ${JSON.stringify(missing)}`);
  return names.length === 0
    ? containers
    : containers.filter((container) => names.some((name) => isCalled(name, container)));
}

const RENDERERS: Readonly<Record<ScanOutput, (report: ScanReport, options: ScanOptions) => string>> = {
  table: (report, { colour }) => {
    const paint = createPaint(colour);
    return report.standard === undefined
      ? renderScanTable(report, paint)
      : renderStandardTable(report, report.standard, paint);
  },
  json: (report, { version }) => renderJson(report, version),
  sarif: (report, { version }) => renderSarif(report, version),
  junit: (report, { version }) => renderJunit(report, version),
  markdown: (report, { version }) => renderMarkdown(report, version),
};

function complaintsOf({ met, open }: FailOnResult, criteria: readonly Criterion[]): readonly string[] {
  const asks = criteria.includes('unknown')
    ? '--fail-on unknown'
    : 'could not be checked, and --fail-on unknown is not set';
  return [
    ...(met.length === 0 ? [] : [`--fail-on: ${listOf(met)}`]),
    ...(open.length === 0 ? [] : [`${asks}: ${listOf(open)}`]),
  ];
}

function listOf(texts: readonly string[]): string {
  const more = texts.length - MOST_NAMED;
  return [...texts.slice(0, MOST_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
