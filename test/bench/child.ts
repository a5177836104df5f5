import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FilePath } from './kernel-files.ts';
import type { Cost } from './statistics.ts';

/** The files to read, container by container. */
export type Task = readonly (readonly FilePath[])[];

/** A program of this directory (`floor.ts`, `naive.ts`) in its own process, which runs one round at a time. */
export class Child {
  readonly #name: string;
  readonly #process: ChildProcess;

  private constructor(name: string) {
    this.#name = name;
    this.#process = fork(fileURLToPath(new URL(name, import.meta.url)), { execArgv: ['--import', 'tsx'] });
  }

  /** Starts the process and sends its task. `running` gets the process first, so that the caller can end it at any time. */
  static async start(name: string, task: Task, running: { add(child: Child): unknown }): Promise<Child> {
    const child = new Child(name);
    running.add(child);
    await child.#ask(task);
    return child;
  }

  /** Runs one round. */
  async round(): Promise<Cost> {
    return (await this.#ask('round')) as Cost;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  #ask(question: Task | 'round'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`${this.#name} ended with ${code}`));
      this.#process.once('exit', ended);
      this.#process.once('message', (message) => {
        this.#process.off('exit', ended);
        resolve(message);
      });
      this.#process.send(question);
    });
  }
}

/** The side of the process: prepares for its only task, then runs rounds of it. */
export function answer(prepare: (task: Task) => () => Promise<Cost>): void {
  let round: (() => Promise<Cost>) | undefined;
  process.on('message', (question) => {
    if (round === undefined) {
      round = prepare(question as Task);
      process.send?.('ready');
      return;
    }
    void round().then((cost) => process.send?.(cost));
  });
}
