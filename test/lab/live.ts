import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, inject, test } from 'vitest';
import type {} from './global-setup.ts';
import { bootGuest, Guest } from './guest.ts';
import type { GuestFlavour } from './guest.ts';
import type { Part } from './parts.ts';

/**
 * A suite that runs if the lab has the parts it needs. Otherwise it is skipped, with the reason in its name. But in
 * CI, a part whose preparation failed is a failure.
 */
export function describeLive(name: string, needs: readonly Part[], suite: () => void): void {
  const missing = inject('missing');
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
const EARLY_MS = 20 * 60_000;

/** A suite of some minutes. A machine that is too slow to end the run in half an hour with it skips it, unless `LAB=all`. */
export function describeIfEarly(name: string, needs: readonly Part[], suite: () => void): void {
  const isEarly = Date.now() - inject('lab').startedAt < EARLY_MS;
  if (isEarly || process.env['LAB'] === 'all') describeLive(name, needs, suite);
  else describe.skip(`${name} [skipped: this machine is slow; LAB=all runs it]`, suite);
}

/**
 * The guest of this test run: booted by the first suite that needs it, then shared, so a suite must clean up what it
 * creates. Only the global set-up switches it off.
 */
export async function sharedGuest(flavour: GuestFlavour): Promise<Omit<Guest, typeof Symbol.asyncDispose>> {
  const lab = inject('lab');
  const directory = join(lab.directory, flavour);
  if (!existsSync(directory)) {
    mkdirSync(directory);
    return bootGuest({ flavour, directory, owner: lab.owner });
  }
  const guest = new Guest(directory, flavour);
  await guest.ready(600_000);
  return guest;
}
