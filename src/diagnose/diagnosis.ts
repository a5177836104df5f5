import type { Check, Verdict } from './check.ts';
import type { Subject } from './subject.ts';

/** What one check found, and what it made of it. */
export interface Finding extends Verdict {
  readonly name: string;
  /** As read; `undefined`: it could not be read. */
  readonly facts: unknown;
}

/** Runs checks one after the other. One that fails has found nothing out, and keeps none of the others from it. */
export async function diagnose(checks: readonly Check[], subject: Subject): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    try {
      const facts = await check.read(subject);
      findings.push({ name: check.name, ...check.judge(facts), facts });
    } catch (error) {
      const says = `could not be found out: ${error instanceof Error ? error.message : String(error)}`;
      findings.push({ name: check.name, status: 'unknown', says, facts: undefined });
    }
  }
  return findings;
}

/** Whether nothing is kept from the exporter, as far as could be found out: and all could be. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status === 'ok' || status === 'note');
}
