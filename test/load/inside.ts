import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BuiltProgram } from '../hostile/built-program.ts';

/** What a program holds once all garbage is collected. */
export interface Inside {
  /** Of the heap and of buffers, in bytes. */
  readonly heap: number;
  /** Timers, also those that do not keep it running. */
  readonly timers: number;
}

const WAIT_MS = 30_000;

/** How to start Node so that {@link lookInside} works. @param file where the program writes. */
export function insideOptions(file: string): {
  readonly nodeFlags: readonly string[];
  readonly env: Record<string, string>;
} {
  const module = fileURLToPath(new URL('./inside.mjs', import.meta.url));
  return { nodeFlags: ['--expose-gc', `--import=${module}`], env: { LOAD_INSIDE_FILE: file } };
}

/** Collects the garbage of a program and returns what is left. @throws Error if it does not answer. */
export async function lookInside(program: BuiltProgram, file: string): Promise<Inside> {
  rmSync(file, { force: true });
  program.signal('SIGUSR2');
  for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await sleep(20)) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Inside;
    } catch {
      // Not yet.
    }
  }
  throw new Error('The program does not answer SIGUSR2');
}
