import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { cleanUpOrphanedDaemons } from './docker.ts';
import { Guest, GUEST_FLAVOURS } from './guest.ts';
import { cleanUpOrphanedGuests, prepareLab } from './prepare.ts';
import type { Missing } from './prepare.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The missing parts, from the global set-up. */
    readonly missing: Missing;
    /** What the live suites share; other suites have none. */
    readonly lab?: {
      /** A directory for this run. It contains the guests that several suites share. */
      readonly directory: string;
      /** The process that lives as long as the run. */
      readonly owner: number;
      /** When the preparation of the lab began, in ms since the epoch. */
      readonly startedAt: number;
    };
  }
}

/** Prepares the lab once for all live suites and takes it down after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const startedAt = Date.now();
  const missing = await prepareLab();
  for (const text of new Set(Object.values(missing).map((reason) => reason.text))) {
    const parts = Object.entries(missing).filter(([, reason]) => reason.text === text);
    console.warn(`Live suites that need ${parts.map(([part]) => part).join(', ')} cannot run: ${text}`);
  }
  await cleanUpOrphanedGuests();
  await cleanUpOrphanedDaemons();
  // Not below a long TMPDIR: it contains sockets, whose paths are limited to 107 bytes.
  const directory = mkdtempSync('/tmp/isolation-exporter-live-');
  writeFileSync(join(directory, 'owner'), `${process.pid}\n`);
  project.provide('missing', missing);
  project.provide('lab', { directory, owner: process.pid, startedAt });
  return async () => {
    for (const flavour of GUEST_FLAVOURS) {
      const of = join(directory, flavour);
      if (existsSync(of)) await new Guest(of, flavour)[Symbol.asyncDispose]();
    }
    // Cleans up after suites that timed out or crashed.
    await cleanUpOrphanedDaemons();
    await rm(directory, { recursive: true, force: true });
  };
}
