import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Bytes } from './bytes.ts';
import { errnoOf, isAbsence, namePath } from './errno.ts';

/**
 * A seq_file read stops short of a page when the next record does not fit; those of cgroup files are far below half a page.
 */
const SURELY_COMPLETE = 2048;

/** In place of a descriptor: there is no such file. */
export const MISSING = -1;

/**
 * Reads pseudo-files into one buffer. It does so synchronously, as an awaited read costs ten times as much. Files can be
 * kept open, up to a budget, and are then read again from the start: `pread` at 0 makes the kernel render them anew.
 */
export class FileReader {
  readonly #budget: number;
  #open = 0;
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  /** Of the buffer, by length: to make a view costs as much as to parse the few bytes that most files have. */
  readonly #views = Array.from<Bytes | undefined>({ length: SURELY_COMPLETE });

  /** @param budget how many descriptors may be kept open. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** How many descriptors are kept open now. */
  get open(): number {
    return this.#open;
  }

  /**
   * Opens a file to be kept until {@link release}.
   *
   * @returns the descriptor; `MISSING` if there is no such file; `undefined` if the budget is used up, and then it is not
   *   known whether there is one.
   * @throws the system error for anything but absence.
   */
  acquire(path: string, flags: number): number | undefined {
    if (this.#open >= this.#budget) return undefined;
    try {
      const descriptor = openSync(path, flags);
      this.#open += 1;
      return descriptor;
    } catch (error) {
      if (isAbsence(error)) return MISSING;
      // Another part of the process took what the budget counted on.
      if (errnoOf(error) === 'EMFILE' || errnoOf(error) === 'ENFILE') return undefined;
      throw error;
    }
  }

  /** Closes a descriptor that was kept. */
  release(descriptor: number): void {
    closeSync(descriptor);
    this.#open -= 1;
  }

  /**
   * Reads a kept descriptor from the start; `undefined` if what it showed is gone.
   *
   * @param path for the error only.
   * @param complete a read that was shorter than that is taken for all there is; 0 for files with long records.
   * @throws the system error, with the path, for anything but absence.
   */
  readKept(descriptor: number, path: string, complete = SURELY_COMPLETE): Bytes | undefined {
    try {
      return this.#readAll(descriptor, complete);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw namePath(error, path);
    }
  }

  /** The same for a file that is opened and closed for it; `undefined` if absent. */
  readOnce(path: string, complete = SURELY_COMPLETE): Bytes | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(path, constants.O_RDONLY);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
    try {
      return this.readKept(descriptor, path, complete);
    } finally {
      closeSync(descriptor);
    }
  }

  #readAll(descriptor: number, complete: number): Bytes {
    let length = readSync(descriptor, this.#buffer, 0, this.#buffer.length, 0);
    if (length < complete || length === 0) return (this.#views[length] ??= this.#buffer.subarray(0, length));
    for (;;) {
      if (length === this.#buffer.length) {
        const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
        larger.set(this.#buffer);
        this.#buffer = larger;
        this.#views.fill(undefined);
      }
      const more = readSync(descriptor, this.#buffer, length, this.#buffer.length - length, length);
      if (more === 0) return this.#buffer.subarray(0, length);
      length += more;
    }
  }
}
