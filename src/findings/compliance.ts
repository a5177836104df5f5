import type { Answer } from './answer.ts';
import { any } from './answer.ts';
import type { Assessed } from './assess.ts';
import type { Finding } from './finding.ts';
import { findings } from './index.ts';
import { STANDARDS, type StandardId } from './standards/references.ts';
import type { Control, Standard } from './standards/standard.ts';

/** The standards that a container can satisfy. ATT&CK is a catalogue of attacks, so nothing satisfies it. */
export const CHECKED_STANDARDS = [
  'cis-docker',
  'pss-baseline',
  'pss-restricted',
  'nsa-cisa',
] as const satisfies readonly StandardId[];
export type CheckedStandard = (typeof CHECKED_STANDARDS)[number];

/** A control, with the findings that violate it. */
export interface Check {
  readonly id: string;
  readonly control: Control;
  /** Empty: nothing is checked, and `control.note` says why. */
  readonly findings: readonly Finding[];
}

/** The controls of a standard, also those of the one that it includes. */
export function checksOf(standard: CheckedStandard): readonly Check[] {
  const included: readonly CheckedStandard[] = standard === 'pss-restricted' ? ['pss-baseline', standard] : [standard];
  const controls = new Map<string, Control>();
  for (const id of included) {
    const own: Standard['controls'] = STANDARDS[id].controls;
    // A control of the same name is the stricter one of the same.
    for (const [name, control] of Object.entries(own)) controls.set(name, control);
  }
  return [...controls].map(([id, control]) => ({
    id,
    control,
    findings: findings.filter(({ references }) =>
      references.some((each) => each.control === id && included.some((name) => name === each.standard)),
    ),
  }));
}

/** How a container does by a standard. */
export interface Compliance {
  /** Whether it violates any control that is checked. */
  readonly violates: Answer;
  /** The controls that are checked. */
  readonly controls: readonly CheckedControl[];
}

export interface CheckedControl extends Check {
  readonly violates: Answer;
  /** The findings behind the answer. */
  readonly assessed: readonly Assessed[];
}

/** A finding that implies another: it is certainly absent where the other is, even if it could not be checked itself. */
const IMPLIES: Readonly<Record<string, string>> = { all_capabilities: 'added_capability' };

/** Checks a container by a standard. A finding that somebody has accepted counts: it is a deviation all the same. */
export function complianceOf(assessed: readonly Assessed[], checks: readonly Check[]): Compliance {
  const controls = checks.flatMap((check): readonly CheckedControl[] => {
    if (check.findings.length === 0) return [];
    const all = assessed.filter(({ finding }) => check.findings.includes(finding));
    const absent = new Set(all.flatMap(({ finding, answer }) => (answer === 'no' ? finding.id : [])));
    const own = all.filter(({ finding }) => !absent.has(IMPLIES[finding.id] ?? ''));
    // A container that could not be assessed has no answers.
    const violates = own.length === 0 ? 'unknown' : any(...own.map(({ answer }) => answer));
    return [{ ...check, violates, assessed: own.filter(({ answer }) => answer === violates) }];
  });
  return { violates: any(...controls.map(({ violates }) => violates)), controls };
}
