import type { Assessed } from '../findings/assess.ts';
import type { Fix } from '../findings/finding.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { levelText, nameOf } from '../report/wording.ts';
import { printable } from '../terminal/printable.ts';
import type { Version } from '../version.ts';
import { leaf, parent } from './xml.ts';

interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
}

/**
 * Renders a report as JUnit XML by the schema of Jenkins (junit-10.xsd): a suite for each container, and a test for each
 * finding. The test fails if the container has the finding, and is skipped if that is unknown.
 */
export function renderJunit({ at, containers }: HostReport, { name }: Version): string {
  const counts = containers.map(countsOf);
  const sum = (key: keyof Counts): number => counts.reduce((total, each) => total + each[key], 0);
  // The schema knows no number of skipped tests here.
  const totals = { name, tests: sum('tests'), failures: sum('failures'), errors: 0 };
  const timestamp = new Date(at).toISOString().replace(/\.\d+Z$/, '');
  const suites = containers.map((container) => suiteOf(container, timestamp));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${parent('testsuites', totals, suites)}\n`;
}

function countsOf({ findings }: ContainerReport): Counts {
  return {
    tests: findings.length,
    failures: findings.filter(({ answer }) => answer === 'yes').length,
    skipped: findings.filter(({ answer }) => answer === 'unknown').length,
  };
}

function suiteOf(container: ContainerReport, timestamp: string): string {
  const { tests, failures, skipped } = countsOf(container);
  const name = suiteNameOf(container);
  return parent('testsuite', { name, tests, failures, errors: 0, skipped, time: 0, timestamp }, [
    parent('properties', {}, propertiesOf(container)),
    ...container.findings.map((assessed) => testOf(assessed, name, container)),
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

function testOf({ finding, answer }: Assessed, classname: string, { failure }: ContainerReport): string {
  const { id: name, title, severity, why, fix } = finding;
  const test = { name, classname, time: 0 };
  if (answer === 'no') return leaf('testcase', test);
  if (answer === 'unknown') {
    const reason = failure === undefined ? '' : ` (${printable(failure.message)})`;
    return parent('testcase', test, [leaf('skipped', { message: `Could not be checked: ${title}${reason}` })]);
  }
  const text = [why, '', ...remediesOf(fix)].join('\n');
  return parent('testcase', test, [leaf('failure', { message: `${severity}: ${title}`, type: severity }, text)]);
}

function remediesOf({ docker, compose, kubernetes }: Fix): readonly string[] {
  return ['How to fix it:', `docker run: ${docker}`, `compose: ${compose}`, `Kubernetes: ${kubernetes}`];
}
