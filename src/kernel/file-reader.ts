import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Bytes } from './bytes.ts';
import { errnoOf, isAbsence, namePath } from './errno.ts';

/**
 * A shorter read is complete: a seq_file stops short of a page only if the next record does not fit, and records of the files
 * that are read so are shorter than 512 bytes. A second read would cost each `memory.stat` of cgroup v2, of 2 to 3 KB.
 */
const SURELY_COMPLETE = 4096 - 512;

/** Takes the place of a descriptor if the file does not exist. */
export const MISSING = -1;

/** The longest file that is read, in bytes: a host's mount table with 50,000 mounts. */
const LONGEST = 16 * 1024 * 1024;

/** The initial size of the buffer, in bytes. */
const SHORTEST_BUFFER = 64 * 1024;

/** A buffer that had to grow beyond this is not kept, in bytes. */
const LONGEST_KEPT = 1024 * 1024;

/**
 * The flags for opening every pseudo-file. The kernel's own files ignore `O_NONBLOCK`. If somebody has replaced a file
 * by a FIFO, the flag makes it read as empty instead of waiting for a writer.
 */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reads pseudo-files into one buffer, synchronously, because an awaited read costs ten times as much. Files can stay open, up
 * to a budget. `pread` at offset 0 then makes the kernel render them again.
 */
export class FileReader {
  readonly #budget: number;
  #open = 0;
  #openings = 0;
  #buffer = Buffer.allocUnsafeSlow(SHORTEST_BUFFER);
  /** Views of the buffer by length: creating one costs as much as parsing the few bytes of most files. */
  readonly #views = Array.from<Bytes | undefined>({ length: SURELY_COMPLETE });

  /** @param budget how many descriptors may stay open. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** How many kept descriptors are open. */
  get open(): number {
    return this.#open;
  }

  /** How often a file was opened by its path so far. */
  get openings(): number {
    return this.#openings;
  }

  /**
   * Opens a file and keeps it open until {@link release}.
   *
   * @param flags besides those that every file is opened with: `O_DIRECTORY` for a directory.
   * @returns the descriptor; `MISSING` if there is no such file; `undefined` if the budget is exhausted, so that it is unknown
   *   whether the file exists.
   * @throws the system error for anything but absence.
   */
  acquire(path: string, flags = 0): number | undefined {
    if (this.#open >= this.#budget) return undefined;
    this.#openings += 1;
    try {
      const descriptor = openSync(path, READ_FLAGS | flags);
      this.#open += 1;
      return descriptor;
    } catch (error) {
      if (isAbsence(error)) return MISSING;
      // Another part of the process used up the descriptors of the budget.
      if (errnoOf(error) === 'EMFILE' || errnoOf(error) === 'ENFILE') return undefined;
      throw error;
    }
  }

  /** Closes a kept descriptor. */
  release(descriptor: number): void {
    closeSync(descriptor);
    this.#open -= 1;
  }

  /**
   * Reads a kept descriptor from the start; `undefined` if its cgroup or process is gone.
   *
   * @param path for the error message only.
   * @param complete a read shorter than this is complete; 0 for files with long records.
   * @param longest in bytes.
   * @throws the system error, with the path, for anything but absence; EFBIG for a file longer than `longest`.
   */
  readKept(descriptor: number, path: string, complete = SURELY_COMPLETE, longest = LONGEST): Bytes | undefined {
    try {
      return this.#readAll(descriptor, complete, longest);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw namePath(error, path);
    }
  }

  /** Opens, reads and closes a file; `undefined` if absent. */
  readOnce(path: string, complete = SURELY_COMPLETE, longest = LONGEST): Bytes | undefined {
    let descriptor: number;
    this.#openings += 1;
    try {
      descriptor = openSync(path, READ_FLAGS);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
    try {
      return this.readKept(descriptor, path, complete, longest);
    } finally {
      closeSync(descriptor);
    }
  }

  #readAll(descriptor: number, complete: number, longest: number): Bytes {
    // A buffer that grew for one long file is released at the next read.
    if (this.#buffer.length > LONGEST_KEPT) this.#useBuffer(Buffer.allocUnsafeSlow(SHORTEST_BUFFER));
    let length = readSync(descriptor, this.#buffer, 0, this.#buffer.length, 0);
    if (length < complete || length === 0) return (this.#views[length] ??= this.#buffer.subarray(0, length));
    for (;;) {
      if (length > longest) throw Object.assign(new Error(`Longer than ${longest} bytes`), { code: 'EFBIG' });
      if (length === this.#buffer.length) {
        const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
        larger.set(this.#buffer);
        this.#useBuffer(larger);
      }
      const more = readSync(descriptor, this.#buffer, length, this.#buffer.length - length, length);
      if (more === 0) return this.#buffer.subarray(0, length);
      length += more;
    }
  }

  #useBuffer(buffer: Buffer<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#views.fill(undefined);
  }
}
