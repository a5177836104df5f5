import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, inject, type ProvidedContext, test } from 'vitest';
import { errnoOf } from '../../src/kernel/errno.ts';
import type {} from './global-setup.ts';
import { bootGuest, Guest } from './guest.ts';
import type { GuestFlavour } from './guest.ts';
import { whenLabIsReady } from './lab-preparation.ts';
import type { Part } from './parts.ts';
import type { Missing } from './prepare.ts';
import { leaveMachine, takeMachine } from './turn.ts';

/** The missing parts. The suites of a file are known as soon as the lab is ready. */
const missing = await missingParts();

/** How long a suite may wait for those before it, in ms. */
const TURN_MS = 6 * 3_600_000;

/**
 * A suite that runs if the lab has the parts it needs. Otherwise it is skipped, with the reason in its name. But in
 * CI, a part whose preparation failed is a failure. It has this machine for itself, apart from the guests.
 */
export function describeLive(name: string, needs: readonly Part[], suite: () => void): void {
  describeIfReady(name, needs, () => {
    const lab = inject('lab');
    // Suites of other projects only need programs.
    if (lab !== undefined) {
      beforeAll(() => takeMachine(lab.directory), TURN_MS);
      afterAll(() => leaveMachine(lab.directory));
    }
    suite();
  });
}

/**
 * A suite that runs in a guest, beside those of this machine. With `LAB=all` many suites share the guests, and each waits for its
 * turn.
 */
export function describeInGuest(name: string, needs: readonly Part[], suite: () => void): void {
  (process.env['LAB'] === 'all' ? describeLive : describeIfReady)(name, needs, suite);
}

function describeIfReady(name: string, needs: readonly Part[], suite: () => void): void {
  const reason = needs.map((part) => missing[part]).find((found) => found !== undefined);
  if (reason === undefined) {
    describe(name, suite);
  } else if (reason.kind === 'failed' && process.env['CI'] === 'true') {
    test(`${name}: the lab is ready`, () => {
      throw new Error(reason.text);
    });
  } else {
    // The default reporter only counts skipped suites.
    console.warn(`skipped: ${name}: ${reason.text}`);
    describe.skip(`${name} [skipped: ${reason.text}]`, suite);
  }
}

/**
 * A suite that takes many minutes, like most in the emulated guest. It only runs with `LAB=all`, so that the tests of a
 * change take less than half an hour.
 */
export function describeLong(name: string, needs: readonly Part[], suite: () => void): void {
  if (process.env['LAB'] === 'all') describeLive(name, needs, suite);
  else describe.skip(`${name} [skipped: takes long; LAB=all runs it]`, suite);
}

/** How long after the start of a run a suite may begin that a slow machine has no time for, in ms. */
const EARLY_MS = 10 * 60_000;

/** A suite in a guest of some minutes. A machine that is too slow to end the run in half an hour with it skips it, unless `LAB=all`. */
export function describeIfEarly(name: string, needs: readonly Part[], suite: () => void): void {
  const isEarly = Date.now() - labOfRun().startedAt < EARLY_MS;
  if (isEarly || process.env['LAB'] === 'all') describeInGuest(name, needs, suite);
  else describe.skip(`${name} [skipped: this machine is slow; LAB=all runs it]`, suite);
}

/**
 * The guest of this test run: booted by the first suite that needs it, then shared, so a suite must clean up what it
 * creates. Only the global set-up switches it off.
 */
export async function sharedGuest(flavour: GuestFlavour): Promise<Omit<Guest, typeof Symbol.asyncDispose>> {
  const lab = labOfRun();
  const directory = join(lab.directory, flavour);
  if (isMade(directory)) return bootGuest({ flavour, directory, owner: lab.owner });
  const guest = new Guest(directory, flavour);
  await guest.ready(600_000);
  return guest;
}

async function missingParts(): Promise<Missing> {
  const lab = inject('lab');
  return lab === undefined ? (inject('missing') ?? {}) : whenLabIsReady(lab.directory);
}

/** What the live suites of this run share. */
export function labOfRun(): NonNullable<ProvidedContext['lab']> {
  const lab = inject('lab');
  if (lab === undefined) throw new Error('Only the project "live" has a lab');
  return lab;
}

/** Whether this call has made the directory, and not another process before. */
function isMade(directory: string): boolean {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return false;
  }
}
