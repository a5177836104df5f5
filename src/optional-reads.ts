import type { Log } from './log.ts';

/**
 * Reads that the rest does not depend on. A failed read gives `undefined` and is logged once, and so is its recovery.
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

  /** The same for asynchronous reads. */
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
    this.#log.warn({ what, error }, 'cannot read an optional source; continuing without it');
  }

  #succeeded(what: string): void {
    if (this.#failing.delete(what)) this.#log.info({ what }, 'optional source is readable again');
  }
}
