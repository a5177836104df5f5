import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { FAULTS } from './faults/faults.ts';
import { type Phase, PHASES, type Step, Stepper } from './faults/stepper.ts';

vi.mock('node:fs', async (original) => {
  const { systemCalls } = await import('./faults/system-calls.ts');
  return systemCalls.interposed(await original());
});

const FIXTURES = new URL('fixtures/', import.meta.url).pathname;

/** Steps of each captured host, drawn at random. `FAULTS=1000` makes more, `FAULTS=all` each step with each fault, which takes hours. */
const SAMPLE = process.env['FAULTS'] ?? '20';

/** Draws the steps. The same ones in each run: what another draw finds is no fault of the change that is tested. */
const SEED = Number(process.env['FAULTS_SEED'] ?? 704_355_539);

describe.each(['host-v1-docker', 'guest-v2-docker-systemd', 'guest-v2-docker-cgroupfs'])(
  'faults between the system calls on %s',
  (host) => {
    let stepper: Stepper;
    let counts: Record<Phase, number>;
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    beforeAll(async () => {
      process.on('unhandledRejection', note);
      stepper = new Stepper(FIXTURES + host, tmpdir());
      counts = await stepper.count();
    }, 120_000);
    afterEach(() => expect(unhandled).toEqual([]));
    afterAll(() => {
      stepper[Symbol.dispose]();
      process.off('unhandledRejection', note);
    });

    it('are all reached', () => {
      expect(counts.first).toBeGreaterThan(300);
      expect(counts.later).toBeGreaterThan(100);
    });

    it('concern nobody else, and make nobody lie', { timeout: 7_200_000 }, async () => {
      const steps = PHASES.flatMap((phase) =>
        FAULTS.flatMap((fault) =>
          Array.from({ length: counts[phase] }, (_, index): Step => ({ phase, fault, step: index + 1 })),
        ),
      );
      const failures: string[] = [];
      const chosen =
        SAMPLE === 'all' ? steps : fc.sample(fc.constantFrom(...steps), { numRuns: Number(SAMPLE), seed: SEED });
      console.info(`FAULTS_SEED=${SEED}: ${chosen.length} of ${steps.length} steps`);
      for (const step of chosen) {
        const wrong = await stepper.run(step);
        if (wrong.length > 0) failures.push(`${step.fault.name}, ${step.phase} ${step.step}:\n  ${wrong.join('\n  ')}`);
      }
      expect(failures.join('\n')).toBe('');
    });
  },
);
