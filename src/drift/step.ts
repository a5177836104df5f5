import type { Severity } from '../findings/finding.ts';
import type { Fact, Facts } from './facts.ts';

/** What is known about a container that is watched. */
export interface Watched {
  /** What it had once its start was over; of what was unknown then, what was known first. */
  readonly baseline: Facts;
  /** What is known now; of what is unknown now, what was known last. */
  readonly latest: Facts;
}

/** Something about a container that got worse. */
export interface Change {
  readonly finding: string;
  readonly severity: Severity;
  /** For people: what there was when it was last looked at, and what there is now. */
  readonly before: string;
  readonly after: string;
}

/** A container that is starting: all that it has is its baseline. Pure. */
export function started(before: Watched | undefined, facts: Facts): Watched {
  const latest = before === undefined ? facts : withKnown(facts, before.latest);
  return { baseline: latest, latest };
}

/**
 * Compares a container with its baseline. Pure.
 *
 * @returns what it has now and had neither in its baseline nor when it was last looked at. What was unknown is not worse, nor is a
 * finding that is new but accepted: somebody expects it. More of an accepted finding is worse: it is not what was accepted.
 */
export function step(
  before: Watched,
  facts: Facts,
): { readonly watched: Watched; readonly changes: readonly Change[] } {
  const latest = withKnown(facts, before.latest);
  const baseline = withKnown(before.baseline, latest);
  const changes = [...latest].flatMap(([finding, fact]): readonly Change[] => {
    const { severity, items = [] } = fact;
    const known = baseline.get(finding);
    const last = before.latest.get(finding);
    const fresh = items.filter((item) => !(known?.items ?? []).includes(item) && !(last?.items ?? []).includes(item));
    if (fresh.length === 0 || isExpected(fact, known)) return [];
    return [{ finding, severity, before: textOf(last), after: textOf({ items: [...new Set([...fresh, ...items])] }) }];
  });
  return { watched: { baseline, latest }, changes };
}

/** Whether somebody has accepted a finding that the container did not have in its baseline. */
export function isExpected(fact: Fact | undefined, inBaseline: Fact | undefined): boolean {
  return fact?.isAccepted === true && (inBaseline?.items ?? []).length === 0;
}

/** The facts, with those that are unknown replaced by those of another time. */
function withKnown(facts: Facts, others: Facts): Facts {
  const unknown = [...facts].filter(([, { items }]) => items === undefined);
  if (unknown.length === 0) return facts;
  const known = new Map(facts);
  for (const [finding] of unknown) {
    const other = others.get(finding);
    if (other === undefined) known.delete(finding);
    else known.set(finding, other);
  }
  return known;
}

/** How many pieces of evidence a text names. */
const MOST_NAMED = 5;

function textOf(fact: Pick<Fact, 'items' | 'otherwise'> | undefined): string {
  const { items = [], otherwise = 'none' } = fact ?? {};
  if (items.length === 0) return otherwise;
  const more = items.length - MOST_NAMED;
  return [...items.slice(0, MOST_NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
