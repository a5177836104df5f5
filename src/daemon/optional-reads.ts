import type { Log } from '../log.ts';

/**
 * Reads of sources that the daemon can do without. A failed read gives `undefined`. The first failure and the recovery
 * are logged.
 */
export class OptionalReads {
  readonly #log: Log;
  readonly #failing = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param what the name of the source, for the log. */
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

  /** The same as {@link read}, for asynchronous reads. */
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
