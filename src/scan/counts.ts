import { isOpen } from '../findings/acceptance.ts';
import { SEVERITIES } from '../findings/finding.ts';
import type { ContainerReport } from '../report/container-report.ts';

/**
 * How many findings the containers have: a text such as `2 high` for each severity with any, and one for those that are accepted; and
 * the unknown ones.
 */
export function countsOf(containers: readonly Pick<ContainerReport, 'findings'>[]): {
  readonly counts: readonly string[];
  readonly unknown: number;
} {
  const assessed = containers.flatMap(({ findings }) => findings);
  const found = assessed.filter((each) => isOpen(each));
  const accepted = assessed.filter((each) => each.accepted !== undefined).length;
  const counts = SEVERITIES.flatMap((severity) => {
    const count = found.filter(({ finding }) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return {
    counts: [...counts, ...(accepted === 0 ? [] : [`${accepted} accepted`])],
    unknown: assessed.filter((each) => isOpen(each, 'unknown')).length,
  };
}
