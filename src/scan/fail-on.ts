import { isOpen } from '../findings/acceptance.ts';
import type { Answer } from '../findings/answer.ts';
import { type Finding, SEVERITIES, type Severity } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';

/** A criterion of `--fail-on`. */
export type Criterion =
  /** Any finding of this severity or worse. */
  | { readonly severity: Severity }
  | { readonly finding: string }
  /** Fails if it is unknown whether another criterion is met; without another criterion, if any finding is unknown. */
  | 'unknown';

/** Reads a severity, the id of a finding, or `unknown`. */
export function parseCriterion(text: string): Criterion | undefined {
  if (text === 'unknown') return text;
  const severity = SEVERITIES.find((each) => each === text);
  if (severity !== undefined) return { severity };
  return findings.some(({ id }) => id === text) ? { finding: text } : undefined;
}

/** The result of `--fail-on`. */
export interface FailOnResult {
  /** `<container>: <finding>` for each finding that meets a criterion. */
  readonly met: readonly string[];
  /** `<container>: <finding>` for each unknown finding that may meet a criterion. */
  readonly open: readonly string[];
  /** Whether the scan fails. */
  readonly fails: boolean;
}

/** Checks containers against criteria. A finding that is accepted or in the baseline meets none. */
export function checkCriteria(containers: readonly ContainerReport[], criteria: readonly Criterion[]): FailOnResult {
  const others = criteria.filter((criterion) => criterion !== 'unknown');
  const failsOnUnknown = others.length < criteria.length;
  const isAskedFor = ({ id, severity }: Finding): boolean =>
    (failsOnUnknown && others.length === 0) ||
    others.some((criterion) =>
      'finding' in criterion
        ? criterion.finding === id
        : SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(criterion.severity),
    );
  const answered = (answer: Answer): string[] =>
    containers.flatMap(({ labels, findings: assessed }) =>
      assessed
        .filter((each) => isOpen(each, answer) && each.since !== 'known' && isAskedFor(each.finding))
        .map(({ finding }) => `${nameOf(labels)}: ${finding.id}`),
    );
  const met = others.length === 0 ? [] : answered('yes');
  const open = answered('unknown');
  return { met, open, fails: met.length > 0 || (failsOnUnknown && open.length > 0) };
}
