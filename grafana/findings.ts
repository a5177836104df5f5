import { values } from './colours.ts';
import { coloured, type Override } from './overrides.ts';
import { type Query, rows } from './query.ts';
import type { Column } from './table.ts';

/** A finding that a container has: 1. Also 0 for all others, with `--collector.findings.all`. */
export const FINDING = 'isolation_container_finding';

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
 * The current findings down to a severity, as rows. The value is the rank of the severity, because a table would sort the names
 * alphabetically.
 */
export function findingRows(
  selected: (metric: string, ...matchers: readonly string[]) => string,
  downTo: (typeof SEVERITIES)[number][0],
): Query {
  const names = SEVERITIES.map(([name]) => name);
  const ranks = names.slice(0, names.indexOf(downTo) + 1).map((name, rank) => {
    const there = `${selected(FINDING, `severity="${name}"`)} == 1`;
    return rank === 0 ? `(${there})` : `(${there}) + ${rank}`;
  });
  return rows(ranks.join(' or '));
}

/** All findings of a container as {@link findingRows}, and after them those of which it is unknown whether it has them. */
export function findingRowsWithUnknown(selected: (metric: string, ...matchers: readonly string[]) => string): Query {
  const { expr } = findingRows(selected, 'info');
  return rows(`${expr} or ${selected(`${FINDING}_unknown`)} + ${SEVERITIES.length}`);
}

/** The severity of a row of {@link findingRows}. */
export const SEVERITY_COLUMN: Column = {
  field: 'Value',
  header: 'Severity',
  width: 100,
  mappings: values(
    Object.fromEntries(
      [...SEVERITIES, ['unknown', 'text'] as const].map(([name, colour], rank) => [rank + 1, [name, colour] as const]),
    ),
  ),
};

/** Sorts by severity, worst first. */
export const BY_SEVERITY = [
  { header: 'Severity', order: 'ascending' },
  { header: 'Finding', order: 'ascending' },
] as const;
