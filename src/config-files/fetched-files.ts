import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { toError } from '../kernel/errno.ts';
import type { ConfigFiles } from './config-files.ts';

/** How often the files are fetched again, in ms. */
const FETCH_EVERY_MS = 5_000;

/**
 * Reads a file without a chance to block this thread. Resolves to `undefined` if it does not answer for now.
 *
 * @throws Error that says why it cannot be read.
 */
export type FetchText = (file: string) => Promise<string | undefined>;

/** The files that the content of the first file names; none if it is invalid. */
export type NamedIn = (text: string) => readonly string[];

interface Fetched {
  readonly text: string | Error;
  readonly stamp: string;
}

/**
 * A file that the user wrote and the files that it names, on a file system whose server may not answer. They are fetched every few
 * seconds, and the last answer counts.
 */
export class FetchedFiles implements ConfigFiles, Disposable {
  readonly #path: string;
  readonly #fetchText: FetchText;
  readonly #namedIn: NamedIn;
  #files: ReadonlyMap<string, Fetched> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #isFetching = false;

  private constructor(path: string, fetchText: FetchText, namedIn: NamedIn) {
    this.#path = path;
    this.#fetchText = fetchText;
    this.#namedIn = namedIn;
  }

  /**
   * Fetches the files, and from then on again and again.
   *
   * @throws Error in one line if one of them does not answer.
   */
  static async start(
    path: string,
    fetchText: FetchText,
    { namedIn, everyMs = FETCH_EVERY_MS }: { readonly namedIn: NamedIn; readonly everyMs?: number },
  ): Promise<FetchedFiles> {
    const files = new FetchedFiles(path, fetchText, namedIn);
    await files.#fetch();
    files.#timer = setInterval(() => void files.#fetchAgain(), everyMs).unref();
    return files;
  }

  text(file: string): string {
    const text = this.#files.get(file)?.text ?? new Error(`${file} was not fetched`);
    if (text instanceof Error) throw text;
    return text;
  }

  stamp(file: string): string {
    return this.#files.get(file)?.stamp ?? '';
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #fetchAgain(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      await this.#fetch();
    } catch {
      // One of them does not answer: the last answers of all stay.
    } finally {
      this.#isFetching = false;
    }
  }

  async #fetch(): Promise<void> {
    const first = await this.#fetchOne(this.#path);
    const names = typeof first.text === 'string' ? this.#namedIn(first.text) : [];
    const files = new Map([[this.#path, first]]);
    for (const name of names) {
      const file = resolve(dirname(this.#path), name);
      files.set(file, await this.#fetchOne(file));
    }
    this.#files = files;
  }

  async #fetchOne(file: string): Promise<Fetched> {
    let text: string | Error | undefined;
    try {
      text = await this.#fetchText(file);
    } catch (error) {
      text = toError(error);
    }
    if (text === undefined) throw new Error(`${file} does not answer`);
    return { text, stamp: text instanceof Error ? text.message : createHash('sha256').update(text).digest('hex') };
  }
}
