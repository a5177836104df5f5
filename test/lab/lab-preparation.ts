import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { absentAsUndefined } from '../../src/kernel/errno.ts';
import type { Missing } from './prepare.ts';

/** Tells the processes of this run that the lab is ready, and what it lacks. */
export function announceLab(directory: string, missing: Missing): void {
  const file = fileIn(directory);
  writeFileSync(`${file}.new`, JSON.stringify(missing));
  renameSync(`${file}.new`, file);
}

/** Waits until the lab is ready. Returns what it lacks. */
export async function whenLabIsReady(directory: string): Promise<Missing> {
  for (;;) {
    const text = absentAsUndefined(() => readFileSync(fileIn(directory), 'utf8'));
    if (text !== undefined) return JSON.parse(text) as Missing;
    await setTimeout(200);
  }
}

const fileIn = (directory: string): string => join(directory, 'missing.json');
