import { isOpen } from '../findings/acceptance.ts';
import type { Answer } from '../findings/answer.ts';
import { type Finding, SEVERITIES, type Severity } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
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
  /** `<container>: <finding>` for each unknown finding that may meet a criterion, and what was not seen at all. */
  readonly open: readonly string[];
  /** Whether the scan fails. */
  readonly fails: boolean;
}

/**
 * What may have findings and is not in a report.
 *
 * @param scope `selected`: only the containers that are in the report matter.
 */
export function unseenIn({ containers, sources, overLimit }: HostReport, scope: 'all' | 'selected'): readonly string[] {
  const unread = containers.filter(({ findings: assessed }) => assessed.length === 0);
  return [
    ...unread.map(({ labels }) => `${nameOf(labels)}: all findings`),
    ...(scope === 'all' && sources.get('cgroup_walk') === false ? ['cgroups that could not be looked at'] : []),
    ...(scope === 'all' && overLimit > 0 ? [`${overLimit} cgroups that are too many`] : []),
  ];
}

/**
 * Checks containers against criteria. A finding that is accepted or in the baseline meets none.
 *
 * @param unseen what is unknown besides findings.
 */
export function checkCriteria(
  containers: readonly ContainerReport[],
  criteria: readonly Criterion[],
  unseen: readonly string[] = [],
): FailOnResult {
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
  const open = [...answered('unknown'), ...(criteria.length === 0 ? [] : unseen)];
  return { met, open, fails: met.length > 0 || (failsOnUnknown && open.length > 0) };
}
