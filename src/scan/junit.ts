import { acceptanceText, isOpen } from '../findings/acceptance.ts';
import type { Assessed } from '../findings/assess.ts';
import type { Fix } from '../findings/finding.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { levelText, nameOf } from '../report/wording.ts';
import { printable } from '../terminal/printable.ts';
import type { Version } from '../version.ts';
import type { ScanReport } from './comparison.ts';
import { identityOf, keyOf } from './identity.ts';
import { leaf, parent } from './xml.ts';

interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
}

/**
 * Renders a report as JUnit XML by the schema of Jenkins (junit-10.xsd): a suite for each container, and a test for each
 * finding. The test fails if the container has the finding, and is skipped if that is unknown,
 * or if somebody has accepted the finding.
 */
export function renderJunit({ at, containers, comparison }: ScanReport, { name }: Version): string {
  const counts = containers.map(countsOf);
  const sum = (key: keyof Counts): number => counts.reduce((total, each) => total + each[key], 0);
  // The schema knows no number of skipped tests here.
  const totals = { name, tests: sum('tests'), failures: sum('failures'), errors: 0 };
  const timestamp = new Date(at).toISOString().replace(/\.\d+Z$/, '');
  const fixed = new Set(comparison?.fixed.map(({ labels, finding }) => `${keyOf(labels)} ${finding}`));
  const suites = containers.map((container) => suiteOf(container, { timestamp, fixed }));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${parent('testsuites', totals, suites)}\n`;
}

function countsOf({ findings }: ContainerReport): Counts {
  return {
    tests: findings.length,
    failures: findings.filter(isFailure).length,
    skipped: findings.filter((each) => each.answer !== 'no' && !isFailure(each)).length,
  };
}

/** With a baseline, only what is new fails. */
function isFailure(assessed: Assessed): boolean {
  return isOpen(assessed) && assessed.since !== 'known';
}

interface Context {
  readonly timestamp: string;
  /** Findings of the baseline that are fixed, by identity and id. */
  readonly fixed: ReadonlySet<string>;
}

function suiteOf(container: ContainerReport, { timestamp, fixed }: Context): string {
  const { tests, failures, skipped } = countsOf(container);
  const name = suiteNameOf(container);
  return parent('testsuite', { name, tests, failures, errors: 0, skipped, time: 0, timestamp }, [
    parent('properties', {}, propertiesOf(container)),
    ...container.findings.map((assessed) => testOf(assessed, name, { container, fixed })),
    ...(container.failure === undefined ? [] : [leaf('system-err', {}, printable(container.failure.message))]),
  ]);
}

function suiteNameOf({ labels }: ContainerReport): string {
  return printable(`${labels.engine}/${nameOf(labels)}`);
}

function propertiesOf({ id, image, isolationLevel }: ContainerReport): readonly string[] {
  const properties = { id, image, level: isolationLevel && levelText(isolationLevel) };
  return Object.entries(properties).flatMap(([name, value]) =>
    value === undefined ? [] : [leaf('property', { name, value: printable(value) })],
  );
}

function testOf(
  assessed: Assessed,
  classname: string,
  { container, fixed }: { readonly container: ContainerReport } & Pick<Context, 'fixed'>,
): string {
  const { finding, answer, accepted, since } = assessed;
  const { id: name, title, severity, why, fix } = finding;
  const result = (...children: readonly string[]) => parent('testcase', { name, classname, time: 0 }, children);
  if (answer === 'no') {
    const isFixed = fixed.has(`${keyOf(identityOf(container.labels))} ${name}`);
    return isFixed ? result(leaf('system-out', {}, 'Fixed since the baseline')) : result();
  }
  if (accepted !== undefined) {
    const reason = printable(acceptanceText(accepted));
    return result(leaf('skipped', { message: `Accepted: ${title}. Reason: ${reason}` }));
  }
  if (answer === 'unknown') {
    const reason = container.failure === undefined ? '' : ` (${printable(container.failure.message)})`;
    return result(leaf('skipped', { message: `Could not be checked: ${title}${reason}` }));
  }
  if (!isFailure(assessed)) return result(leaf('skipped', { message: `In the baseline: ${severity}: ${title}` }));
  const message = `${since === 'new' ? 'new: ' : ''}${severity}: ${title}`;
  return result(leaf('failure', { message, type: severity }, [why, '', ...remediesOf(fix)].join('\n')));
}

function remediesOf({ docker, compose, kubernetes }: Fix): readonly string[] {
  return ['How to fix it:', `docker run: ${docker}`, `compose: ${compose}`, `Kubernetes: ${kubernetes}`];
}
