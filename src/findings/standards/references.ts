import { CIS_DOCKER } from './cis-docker.ts';
import { MITRE_ATTACK } from './mitre-attack.ts';
import { NSA_CISA } from './nsa-cisa.ts';
import { PSS_BASELINE, PSS_RESTRICTED } from './pod-security.ts';
import type { Control, Standard } from './standard.ts';

/** All standards, by id. */
export const STANDARDS = {
  'cis-docker': CIS_DOCKER,
  'pss-baseline': PSS_BASELINE,
  'pss-restricted': PSS_RESTRICTED,
  'nsa-cisa': NSA_CISA,
  'mitre-attack': MITRE_ATTACK,
} as const satisfies Readonly<Record<string, Standard>>;
export type StandardId = keyof typeof STANDARDS;

/** A control that a container with the finding does not satisfy. */
export interface Reference {
  readonly standard: StandardId;
  /** The id of the control. */
  readonly control: string;
}

type ControlsOf<Id extends StandardId> = keyof (typeof STANDARDS)[Id]['controls'] & string;

/** Makes references to controls of a standard. */
export function refer<Id extends StandardId>(
  standard: Id,
  ...controls: readonly ControlsOf<Id>[]
): readonly Reference[] {
  return controls.map((control) => ({ standard, control }));
}

/** The control that a reference names. */
export function controlOf({ standard, control }: Reference): Control {
  const controls: Standard['controls'] = STANDARDS[standard].controls;
  return controls[control] ?? { title: control };
}

/** A reference as text, such as `CIS Docker Benchmark 1.6.0: 5.32 Docker socket`. */
export function referenceText(reference: Reference): string {
  const { title, version } = STANDARDS[reference.standard];
  return `${title} ${version}: ${controlText(reference.control, controlOf(reference))}`;
}

/** A control as text: with its id if that is a number. */
export function controlText(id: string, { title }: Control): string {
  return /\d/.test(id) ? `${id} ${title}` : title;
}

/** Where to read about a reference. */
export function referenceUrl(reference: Reference): string {
  return controlOf(reference).url ?? STANDARDS[reference.standard].url;
}
