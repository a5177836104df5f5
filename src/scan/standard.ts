import type { Answer } from '../findings/answer.ts';
import {
  type Check,
  type CheckedControl,
  type CheckedStandard,
  type Compliance,
  checksOf,
  complianceOf,
} from '../findings/compliance.ts';
import { controlText, STANDARDS } from '../findings/standards/references.ts';
import type { Standard } from '../findings/standards/standard.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';

/** A standard that containers are checked by. */
export interface ScanStandard {
  readonly id: CheckedStandard;
  readonly standard: Standard;
  readonly checks: readonly Check[];
}

/** Reduces a report to the findings that a standard is about. */
export function checkedBy<Report extends HostReport>(
  id: CheckedStandard,
  report: Report,
): Report & { readonly standard: ScanStandard } {
  const standard: ScanStandard = { id, standard: STANDARDS[id], checks: checksOf(id) };
  const relevant = new Set(standard.checks.flatMap(({ findings }) => findings));
  const containers = report.containers.map((container) => ({
    ...container,
    findings: container.findings.filter(({ finding }) => relevant.has(finding)),
  }));
  return { ...report, standard, containers };
}

/** How a container does by the standard. */
export function complianceBy({ checks }: ScanStandard, { findings }: ContainerReport): Compliance {
  return complianceOf(findings, checks);
}

/** The controls of which nothing can be checked. */
export function notCheckedBy({ checks }: ScanStandard): readonly Check[] {
  return checks.filter(({ findings }) => findings.length === 0);
}

/** The title of a standard with its version. */
export function titleOf({ standard: { title, version } }: ScanStandard): string {
  return `${title} ${version}`;
}

/** How many containers violate a standard (yes), how many satisfy what is checked (no), and how many are unknown. */
export function containersBy(
  standard: ScanStandard,
  containers: readonly ContainerReport[],
): Readonly<Record<Answer, number>> {
  const answers = containers.map((container) => complianceBy(standard, container).violates);
  const count = (answer: Answer): number => answers.filter((each) => each === answer).length;
  return { yes: count('yes'), no: count('no'), unknown: count('unknown') };
}

/** One sentence on all containers. */
export function resultOf({ yes, no, unknown }: Readonly<Record<Answer, number>>): string {
  const open = unknown === 0 ? '' : ` Unknown: ${unknown}.`;
  return `${yes} of ${yes + no + unknown} containers violate it; ${no} violate nothing that is checked.${open}`;
}

/** A summary of one container. */
export function verdictOf({ violates, controls }: Compliance): string {
  const count = (answer: string): number => controls.filter((each) => each.violates === answer).length;
  const open = count('unknown') === 0 ? '' : `${count('unknown')} unknown`;
  if (violates === 'yes') {
    return [`violates ${count('yes')} of ${controls.length} controls`, open].filter((part) => part !== '').join(', ');
  }
  return violates === 'unknown' ? open : 'violates nothing that is checked';
}

/** A control with the findings behind its answer, such as `5.4 Linux kernel capabilities: net_raw (new)`. */
export function checkedText({ id, control, assessed }: CheckedControl): string {
  const ids = assessed.map(({ finding, accepted, since }) => {
    if (accepted !== undefined) return `${finding.id} (accepted)`;
    return since === 'new' ? `${finding.id} (new)` : finding.id;
  });
  return `${controlText(id, control)}: ${ids.join(', ')}`;
}

/** A control that is not checked, and why. */
export function notCheckedText({ id, control }: Check): string {
  return `${controlText(id, control)}: ${control.note ?? ''}`;
}
