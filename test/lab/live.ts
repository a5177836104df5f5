import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, inject, test } from 'vitest';
import type {} from './global-setup.ts';
import { bootGuest, Guest } from './guest.ts';
import type { GuestFlavour } from './guest.ts';
import type { Part } from './parts.ts';

/**
 * A suite that runs where the lab has all that it needs. Elsewhere it is skipped, with the reason in its name; but in
 * CI a part that could have been prepared and was not is a failure.
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
    // The default reporter only counts what is skipped.
    console.warn(`skipped: ${name}: ${reason.text}`);
    describe.skip(`${name} [skipped: ${reason.text}]`, suite);
  }
}

/**
 * A suite that takes many minutes, as most do in the emulated guest: with `LAB=all` it runs, else it is skipped by name, so
 * that the tests of a change end within half an hour.
 */
export function describeLong(name: string, needs: readonly Part[], suite: () => void): void {
  if (process.env['LAB'] === 'all') describeLive(name, needs, suite);
  else describe.skip(`${name} [skipped: takes long; LAB=all runs it]`, suite);
}

/**
 * The guest of this test run: booted by the suite that asks first, then shared by all, so a suite cleans up what it
 * makes in it. The global set-up switches it off; nobody else may.
 */
export async function sharedGuest(flavour: GuestFlavour): Promise<Omit<Guest, typeof Symbol.asyncDispose>> {
  const lab = inject('lab');
  const directory = join(lab.directory, flavour);
  if (!existsSync(directory)) {
    mkdirSync(directory);
    return bootGuest({ flavour, directory, owner: lab.owner });
  }
  const guest = new Guest(directory, flavour);
  await guest.ready(180_000);
  return guest;
}
