import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FilePath } from './kernel-files.ts';
import type { Cost } from './statistics.ts';

/** The needed files, container by container. */
export type Task = readonly (readonly FilePath[])[];

/** Has a program of this directory (`floor.ts`, `naive.ts`) do a task in a process of its own. */
export async function costInChild(name: string, task: Task, rounds: number): Promise<Cost> {
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), [String(rounds)], {
    execArgv: ['--import', 'tsx'],
  });
  try {
    return await new Promise<Cost>((resolve, reject) => {
      child.once('message', (message) => resolve(message as Cost));
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it answered`)));
      child.send(task);
    });
  } finally {
    child.kill('SIGKILL');
  }
}

/** The other side: does the one task that comes. */
export function answer(work: (task: Task) => Promise<Cost>): void {
  process.once('message', (task) => {
    void work(task as Task).then((cost) => process.send?.(cost));
  });
}
