import { constants } from 'node:os';
import type { CgroupScope, Exit, Labels } from '../container.ts';
import { type Acceptance, isOpen } from '../findings/acceptance.ts';
import type { Assessed } from '../findings/assess.ts';
import { SEVERITIES, type Severity } from '../findings/finding.ts';
import type { LevelResult } from '../findings/level.ts';
import type { ContainerReport } from './container-report.ts';

/** Stands for an unknown value. */
export const UNKNOWN = '?';

/** The display name of a container: its name, in Kubernetes with namespace and pod. */
export function nameOf({ namespace, pod, container }: Labels): string {
  return [namespace, pod, container].filter((part) => part !== '').join('/');
}

/** A level such as `2 standard`, or `≥ 1 weakened` if unknown facts could raise it. */
export function levelText(isolationLevel: LevelResult | undefined): string {
  if (isolationLevel === undefined) return UNKNOWN;
  return `${isolationLevel.certain ? '' : '≥ '}${isolationLevel.level} ${isolationLevel.levelName}`;
}

/** A limit as text: unknown, unlimited or a value. A shared limit is not the container's: it has none. */
export function limitText(
  { limit, limited }: { readonly limit: number | undefined; readonly limited: boolean | undefined },
  text: (limit: number) => string,
): string {
  if (limited === false) return 'no limit';
  if (limit === undefined) return UNKNOWN;
  return limit === Infinity ? 'no limit' : text(limit);
}

/** Short names of the owners of a limiting cgroup. */
export const SCOPE_WORDS: Readonly<Record<CgroupScope, string>> = {
  container: 'inside',
  pod: 'pod',
  task: 'ECS task',
  unit: 'unit',
  shared: 'shared',
};

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Bytes with three significant digits: `512 MiB`, `1.5 GiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let index = 0;
  // A value that would round to 1024 is shown in the next unit.
  while (value >= 1023.5 && index < UNITS.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${numberText(value)} ${UNITS[index]}`;
}

/** A number with three significant digits, or all integer digits: `0.5`, `12.3`, `32768`. */
export function numberText(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** Exit codes above this are the number of a signal that ended the process. */
const SIGNALLED = 128;

/** How a container ended: `exit code 137 (SIGKILL), OOM-killed`. */
export function exitText({ code, oomKilled }: Exit): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number + SIGNALLED === code)?.[0];
  const how =
    code === undefined ? 'exit code unknown' : `exit code ${code}${signal === undefined ? '' : ` (${signal})`}`;
  return oomKilled === true ? `${how}, OOM-killed` : how;
}

/** The findings of a container with this answer that nobody has accepted, by severity, worst first. */
export function bySeverity(
  { findings }: Pick<ContainerReport, 'findings'>,
  answer: 'yes' | 'unknown',
): ReadonlyMap<Severity, readonly Assessed[]> {
  const found = new Map<Severity, readonly Assessed[]>();
  for (const severity of SEVERITIES) {
    const those = findings.filter((each) => isOpen(each, answer) && each.finding.severity === severity);
    if (those.length > 0) found.set(severity, those);
  }
  return found;
}

/** A finding that somebody has accepted. */
export type AcceptedFinding = Assessed & { readonly accepted: Acceptance };

/** The findings of a container that somebody has accepted, worst first. */
export function acceptedOf({ findings }: Pick<ContainerReport, 'findings'>): readonly AcceptedFinding[] {
  const rank = ({ finding }: Assessed): number => SEVERITIES.indexOf(finding.severity);
  return findings
    .filter((each): each is AcceptedFinding => each.accepted !== undefined)
    .toSorted((a, b) => rank(a) - rank(b));
}
