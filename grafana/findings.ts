import { values } from './colours.ts';
import { coloured, type Override } from './overrides.ts';
import { type Query, rows } from './query.ts';
import type { Column } from './table.ts';

/** A finding that a container has: 1. Also 0 for all others, with `--collector.findings.all`. */
export const FINDING = 'isolation_container_finding';

/** A finding that somebody has accepted: 1. It has the same labels as the finding. */
export const ACCEPTED = 'isolation_container_finding_accepted';

/** Selects a metric, of the containers that a board is about. */
type Selected = (metric: string, ...matchers: readonly string[]) => string;

/** Findings that nobody has accepted. */
export function openFindings(selected: Selected, ...matchers: readonly string[]): string {
  return `(${selected(FINDING, ...matchers)} unless ${selected(ACCEPTED, ...matchers)})`;
}

/** A container's level exists exactly if its findings were looked at. */
export const LOOKED_AT = 'isolation_container_isolation_level';

/** Severities that lead to access to the host, or nearly so. Many containers have the others by default. */
export const SERIOUS = 'severity=~"critical|high"';

/** Worst first. */
const SEVERITIES = [
  ['critical', 'red'],
  ['high', 'orange'],
  ['medium', 'yellow'],
  ['low', 'blue'],
  ['info', 'text'],
] as const;

/** The same colours for series that are named after severities. */
export const SEVERITY_COLOURS: readonly Override[] = SEVERITIES.map(([name, colour]) => coloured(name, colour));

/**
 * The current findings down to a severity that nobody has accepted, as rows. The value is the rank of the severity, because a table would sort the names
 * alphabetically.
 */
export function findingRows(selected: Selected, downTo: (typeof SEVERITIES)[number][0]): Query {
  const names = SEVERITIES.map(([name]) => name);
  const ranks = names.slice(0, names.indexOf(downTo) + 1).map((name, rank) => {
    const there = `${openFindings(selected, `severity="${name}"`)} == 1`;
    return rank === 0 ? `(${there})` : `(${there}) + ${rank}`;
  });
  return rows(ranks.join(' or '));
}

/** All findings of a container as {@link findingRows}, and after them those that are unknown, and those that are accepted. */
export function allFindingRows(selected: Selected): Query {
  const { expr } = findingRows(selected, 'info');
  const unknown = `${selected(`${FINDING}_unknown`)} + ${SEVERITIES.length}`;
  return rows(`${expr} or ${unknown} or ${selected(ACCEPTED)} + ${SEVERITIES.length + 1}`);
}

/** The severity of a row of {@link findingRows}. */
export const SEVERITY_COLUMN: Column = {
  field: 'Value',
  header: 'Severity',
  width: 100,
  mappings: values(
    Object.fromEntries(
      [...SEVERITIES, ['unknown', 'text'] as const, ['accepted', 'text'] as const].map(([name, colour], rank) => [
        rank + 1,
        [name, colour] as const,
      ]),
    ),
  ),
};

/** Sorts by severity, worst first. */
export const BY_SEVERITY = [
  { header: 'Severity', order: 'ascending' },
  { header: 'Finding', order: 'ascending' },
] as const;
