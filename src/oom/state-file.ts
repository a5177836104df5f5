import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { isAbsence } from '../kernel/errno.ts';
import type { Log } from '../log.ts';
import { parseState, type State } from './state.ts';

/** The file that keeps kills from one run of the exporter to the next. It never stops the daemon. */
export class StateFile {
  readonly #path: string;
  readonly #log: Log;
  #writing: Promise<void> | undefined;
  #failing = false;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Whether it could be written when it was last to be. */
  get up(): boolean {
    return !this.#failing;
  }

  /** What an earlier run has left. A damaged file is put aside under another name. */
  load(): State | undefined {
    try {
      return parseState(readFileSync(this.#path, 'utf8'));
    } catch (error) {
      if (error instanceof SyntaxError) this.#setAside(error);
      else if (!isAbsence(error)) this.#log.warn({ file: this.#path, error }, 'cannot read the state file');
      return undefined;
    }
  }

  /** Writes it in the background; what is being written already is not waited for, but then it is `false`. */
  save(state: State): boolean {
    if (this.#writing !== undefined) return false;
    this.#writing = this.#write(JSON.stringify(state)).finally(() => {
      this.#writing = undefined;
    });
    return true;
  }

  /** Writes it now, as the last thing. */
  async close(state: State): Promise<void> {
    await this.#writing;
    this.#attempt(() => {
      writeFileSync(this.#draft, JSON.stringify(state), { mode: 0o600 });
      renameSync(this.#draft, this.#path);
    });
  }

  /** Beside the file: only within one file system a rename replaces it in one step. */
  get #draft(): string {
    return `${this.#path}.new`;
  }

  async #write(text: string): Promise<void> {
    try {
      await writeFile(this.#draft, text, { mode: 0o600 });
      await rename(this.#draft, this.#path);
      this.#failing = false;
    } catch (error) {
      this.#fail(error);
    }
  }

  #attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#fail(error);
      rmSync(this.#draft, { force: true });
    }
  }

  #fail(error: unknown): void {
    if (!this.#failing)
      this.#log.warn({ file: this.#path, error }, 'cannot write the state file; a restart would lose OOM kills');
    this.#failing = true;
  }

  #setAside(error: unknown): void {
    const aside = `${this.#path}.damaged`;
    this.#log.warn({ file: this.#path, error, aside }, 'cannot use the state file; it is put aside');
    this.#attempt(() => renameSync(this.#path, aside));
  }
}
