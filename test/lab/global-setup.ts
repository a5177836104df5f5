import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { cleanUpOrphanedDaemons } from './docker.ts';
import { Guest, GUEST_FLAVOURS } from './guest.ts';
import { announceLab } from './lab-preparation.ts';
import { PARTS } from './parts.ts';
import { cleanUpOrphanedGuests, type Missing, prepareLab } from './prepare.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What is missing of the tools that the suites of the project "rules" need. */
    readonly missing?: Missing;
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

/**
 * Prepares the lab once for all live suites and takes it down after the last one. The preparation mostly waits for the network, so
 * the other suites run meanwhile. The live ones wait for it (`live.ts`).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const startedAt = Date.now();
  await cleanUpOrphanedGuests();
  // Not below a long TMPDIR: it contains sockets, whose paths are limited to 107 bytes.
  const directory = mkdtempSync('/tmp/isolation-exporter-live-');
  writeFileSync(join(directory, 'owner'), `${process.pid}\n`);
  project.provide('lab', { directory, owner: process.pid, startedAt });
  const preparation = prepare(directory);
  return async () => {
    await preparation;
    for (const flavour of GUEST_FLAVOURS) {
      const of = join(directory, flavour);
      if (existsSync(of)) await new Guest(of, flavour)[Symbol.asyncDispose]();
    }
    // Cleans up after suites that timed out or crashed.
    await cleanUpOrphanedDaemons();
    await rm(directory, { recursive: true, force: true });
  };
}

async function prepare(directory: string): Promise<void> {
  let missing: Missing;
  try {
    missing = await prepareLab();
    await cleanUpOrphanedDaemons();
  } catch (error) {
    const reason = { kind: 'failed', text: `the lab cannot be prepared: ${String(error)}` } as const;
    missing = Object.fromEntries(PARTS.map((part) => [part, reason]));
  }
  for (const text of new Set(Object.values(missing).map((reason) => reason.text))) {
    const parts = Object.entries(missing).filter(([, reason]) => reason.text === text);
    console.warn(`Live suites that need ${parts.map(([part]) => part).join(', ')} cannot run: ${text}`);
  }
  announceLab(directory, missing);
}
