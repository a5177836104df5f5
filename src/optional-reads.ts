import type { Log } from './log.ts';

/**
 * Reads that the rest does not depend on. What cannot be read is unknown (`undefined`) and takes nothing else with it; the
 * log says so once, and once that it can be read again.
 */
export class OptionalReads {
  readonly #log: Log;
  readonly #failing = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param what for the log. */
  read<T>(what: string, read: () => T): T | undefined {
    try {
      const value = read();
      this.#succeeded(what);
      return value;
    } catch (error) {
      this.#failed(what, error);
      return undefined;
    }
  }

  /** The same for what takes its time. */
  async wait<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await read();
      this.#succeeded(what);
      return value;
    } catch (error) {
      this.#failed(what, error);
      return undefined;
    }
  }

  #failed(what: string, error: unknown): void {
    if (this.#failing.has(what)) return;
    this.#failing.add(what);
    this.#log.warn({ what, error }, 'cannot read it; leaving it out');
  }

  #succeeded(what: string): void {
    if (this.#failing.delete(what)) this.#log.info({ what }, 'can read it again');
  }
}
