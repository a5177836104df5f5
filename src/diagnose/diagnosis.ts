import type { Check, CheckResult } from './check.ts';
import type { CheckContext } from './check-context.ts';
import { toError } from '../kernel/errno.ts';

/** The facts and the result of one check. */
export interface CheckReport extends CheckResult {
  readonly name: string;
  /** The facts; `undefined` if they could not be read. */
  readonly facts: unknown;
}

/** Runs checks one after the other. A check that throws is reported as unknown; the others still run. */
export async function diagnose(checks: readonly Check[], subject: CheckContext): Promise<readonly CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const check of checks) {
    try {
      const facts = await check.read(subject);
      reports.push({ name: check.name, ...check.judge(facts), facts });
    } catch (error) {
      const message = `the check failed: ${toError(error).message}`;
      reports.push({ name: check.name, status: 'unknown', message, facts: undefined });
    }
  }
  return reports;
}

/** Whether all checks passed. An unknown result is not a pass. */
export function allPassed(reports: readonly CheckReport[]): boolean {
  return reports.every(({ status }) => status === 'ok' || status === 'note');
}
