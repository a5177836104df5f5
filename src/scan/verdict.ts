import { SEVERITIES, type Severity } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';

/** What a scan is to fail on. */
export type Criterion =
  /** This severity or worse. */
  | { readonly severity: Severity }
  | { readonly finding: string }
  /** That it could not be told whether another criterion is met; without another, that any finding could not be told. */
  | 'unknown';

/** Reads a severity, the id of a finding, or `unknown`. */
export function parseCriterion(text: string): Criterion | undefined {
  if (text === 'unknown') return text;
  const severity = SEVERITIES.find((each) => each === text);
  if (severity !== undefined) return { severity };
  return findings.some(({ id }) => id === text) ? { finding: text } : undefined;
}

/** What became of the criteria. */
export interface Verdict {
  /** `<container>: <finding>` for each that meets one. */
  readonly met: readonly string[];
  /** The same for each of which it could not be told whether it meets one. They are in `met` if they are to be. */
  readonly open: readonly string[];
}

/** Holds containers against criteria. */
export function judge(containers: readonly ContainerReport[], criteria: readonly Criterion[]): Verdict {
  const others = criteria.filter((criterion) => criterion !== 'unknown');
  const failsOnUnknown = others.length < criteria.length;
  const met: string[] = [];
  const open: string[] = [];
  for (const { labels, findings: assessed } of containers) {
    for (const { finding, answer } of assessed) {
      if (answer === 'no') continue;
      const isAskedFor = others.some((criterion) =>
        'finding' in criterion
          ? criterion.finding === finding.id
          : SEVERITIES.indexOf(finding.severity) <= SEVERITIES.indexOf(criterion.severity),
      );
      const text = `${nameOf(labels)}: ${finding.id}`;
      if (answer === 'yes' && isAskedFor) met.push(text);
      if (answer === 'unknown' && (isAskedFor || (failsOnUnknown && others.length === 0))) {
        open.push(text);
        if (failsOnUnknown) met.push(`${text} (unknown)`);
      }
    }
  }
  return { met, open };
}
