import { checksOf } from './compliance.ts';

/** The profiles of the Pod Security Standards that restrict anything, the most lenient first. */
export const POD_SECURITY_PROFILES = ['baseline', 'restricted'] as const;

/** What a container with a finding violates. */
export interface Violation {
  /** The id of the finding. */
  readonly finding: string;
  /** The most lenient profile that it violates. */
  readonly profile: (typeof POD_SECURITY_PROFILES)[number];
  /** The names of the controls in that profile. */
  readonly controls: readonly string[];
}

const violations: readonly Violation[] = violationsOfProfiles();

/** What each finding violates; nothing for those that violate no profile. The same object each time. */
export function controlsByFinding(): readonly Violation[] {
  return violations;
}

function violationsOfProfiles(): readonly Violation[] {
  const found = new Map<string, Violation>();
  for (const profile of POD_SECURITY_PROFILES) {
    const controls = new Map<string, string[]>();
    for (const { control, findings } of checksOf(`pss-${profile}`)) {
      for (const { id } of findings) controls.set(id, [...(controls.get(id) ?? []), control.title]);
    }
    for (const [finding, titles] of controls) {
      if (!found.has(finding)) found.set(finding, { finding, profile, controls: titles });
    }
  }
  return [...found.values()];
}
