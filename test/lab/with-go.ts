import { describe } from 'vitest';
import { hasGo } from './go-tools.ts';

/** A suite that needs Go. Without it the suite is skipped, with the reason in its name. */
export function describeWithGo(name: string, suite: () => void): void {
  const reason = process.env['LAB'] === 'off' ? 'LAB=off' : hasGo ? undefined : 'needs Go';
  if (reason === undefined) {
    describe(name, suite);
  } else {
    console.warn(`skipped: ${name}: ${reason}`);
    describe.skip(`${name} [skipped: ${reason}]`, suite);
  }
}
