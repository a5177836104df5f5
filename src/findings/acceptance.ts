import type { Answer } from './answer.ts';

/** Somebody's decision to live with a finding. */
export interface Acceptance {
  readonly reason: string;
  readonly owner: string | undefined;
  /** The last day on which it holds, in UTC: `2027-06-30`; `undefined`: it has no end. */
  readonly expires: string | undefined;
}

/** The acceptances that hold for a container now, by the ids of findings. The same object while they do not change. */
export type Accepted = ReadonlyMap<string, Acceptance>;

/** A finding with its answer for a container. */
interface Answered {
  readonly finding: { readonly id: string };
  readonly answer: Answer;
  readonly accepted?: Acceptance;
}

/** Marks the findings of a container that are accepted. A finding that it does not have needs no acceptance. */
export function withAccepted<T extends Answered>(findings: readonly T[], accepted: Accepted): readonly T[] {
  return findings.map((each) => {
    const acceptance = each.answer === 'no' ? undefined : accepted.get(each.finding.id);
    return acceptance === undefined ? each : { ...each, accepted: acceptance };
  });
}

/** Whether a finding has this answer and nobody has accepted it. */
export function isOpen({ answer, accepted }: Omit<Answered, 'finding'>, wanted: Answer = 'yes'): boolean {
  return answer === wanted && accepted === undefined;
}

/** The acceptance as text: its reason, then in brackets its owner and its last day if it has them. */
export function acceptanceText({ reason, owner, expires }: Acceptance): string {
  const more = [...(owner === undefined ? [] : [owner]), ...(expires === undefined ? [] : [`until ${expires}`])];
  return more.length === 0 ? reason : `${reason} (${more.join(', ')})`;
}
