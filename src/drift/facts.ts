import type { Assessed } from '../findings/assess.ts';
import type { Severity } from '../findings/finding.ts';
import type { Posture } from '../posture/posture.ts';

/** Something about a container that can get worse. */
export interface Fact {
  readonly severity: Severity;
  /** What is wrong, each thing once; none: nothing. `undefined`: unknown. */
  readonly items: readonly string[] | undefined;
  /** What there is as long as nothing is wrong: `64 MiB`. Absent: `none`. */
  readonly otherwise?: string;
  /** Somebody has accepted it. */
  readonly isAccepted?: true;
}

/** The facts by finding. Nothing is wrong with what is absent. */
export type Facts = ReadonlyMap<string, Fact>;

/** Limits of a container's own cgroup, in bytes, cores and processes; `Infinity`: none, `undefined`: unknown. */
export type OwnLimits = Readonly<Record<'memory' | 'swap' | 'cpu' | 'pids', number | undefined>>;

/**
 * The name for a swap limit that is gone. It is no finding, because many containers never have one, and a host
 * without swap needs none.
 */
export const SWAP = 'swap_unlimited';

/** A finding without evidence. */
const YES = ['yes'] as const;
const NOTHING: readonly string[] = [];

/** How much of the evidence is kept, and of each piece: a container can have many mounts with long names. */
const MOST_ITEMS = 100;
const LONGEST_ITEM = 300;

/** The findings that a limit decides, with the limit. */
const LIMITS: Readonly<Record<string, Exclude<keyof OwnLimits, 'swap'>>> = {
  memory_unlimited: 'memory',
  cpu_unlimited: 'cpu',
  pids_unlimited: 'pids',
};

/** What is wrong with a container, from its findings and its limits. Pure. */
export function factsOf(
  findings: readonly Assessed[],
  { posture, limits }: { readonly posture: Posture | undefined; readonly limits: OwnLimits },
): Facts {
  const facts = new Map<string, Fact>();
  for (const { finding, answer, accepted } of findings) {
    const { id, severity } = finding;
    const resource = LIMITS[id];
    if (resource !== undefined) facts.set(id, limitFact(severity, answer, textOf(resource, limits[resource])));
    else if (answer === 'unknown') facts.set(id, { severity, items: undefined });
    else if (answer === 'yes') facts.set(id, { severity, items: evidenceOf(finding, posture) });
    const fact = facts.get(id);
    if (accepted !== undefined && fact !== undefined) facts.set(id, { ...fact, isAccepted: true });
  }
  const { swap } = limits;
  const swapAnswer = swap === undefined ? 'unknown' : swap === Infinity ? 'yes' : 'no';
  return facts.set(SWAP, limitFact('medium', swapAnswer, textOf('swap', swap)));
}

function evidenceOf(finding: Assessed['finding'], posture: Posture | undefined): readonly string[] {
  const found = (posture && finding.evidence?.(posture)) ?? [];
  if (found.length === 0) return YES;
  return [...new Set(found.slice(0, MOST_ITEMS).map((item) => item.slice(0, LONGEST_ITEM)))];
}

function limitFact(severity: Severity, answer: Assessed['answer'], otherwise: string): Fact {
  if (answer === 'unknown') return { severity, items: undefined };
  return { severity, items: answer === 'yes' ? NO_LIMIT : NOTHING, otherwise };
}

const NO_LIMIT = ['no limit'] as const;

function textOf(resource: keyof OwnLimits, limit: number | undefined): string {
  // The limit may be that of the pod.
  if (limit === undefined || limit === Infinity) return 'a limit';
  if (resource === 'cpu') return `${Number(limit.toPrecision(3))} cores`;
  return resource === 'pids' ? `${limit} processes` : `${limit} bytes`;
}
