import type { Bytes } from './bytes.ts';
import { type FileReader, MISSING } from './file-reader.ts';

/** A file of procfs that is read often. It stays open while the budget of descriptors allows it. */
export class KeptFile implements Disposable {
  readonly #reader: FileReader;
  readonly #path: string;
  readonly #complete: number | undefined;
  #descriptor: number | undefined;

  /** Use `KernelFiles.kept`. */
  constructor(reader: FileReader, path: string, complete?: number) {
    this.#reader = reader;
    this.#path = path;
    this.#complete = complete;
  }

  /**
   * The content; `undefined` if there is no such file.
   *
   * @throws the system error for anything but absence.
   */
  read(): Bytes | undefined {
    this.#descriptor ??= this.#reader.acquire(this.#path);
    if (this.#descriptor === undefined) return this.#reader.readOnce(this.#path, this.#complete);
    if (this.#descriptor === MISSING) {
      this.#descriptor = undefined;
      return undefined;
    }
    let bytes: Bytes | undefined;
    try {
      bytes = this.#reader.readKept(this.#descriptor, this.#path, this.#complete);
      return bytes;
    } finally {
      // What cannot be read may be readable when it is opened again.
      if (bytes === undefined) this[Symbol.dispose]();
    }
  }

  /** Closes the file. The next read opens it again. */
  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) this.#reader.release(this.#descriptor);
    this.#descriptor = undefined;
  }
}
