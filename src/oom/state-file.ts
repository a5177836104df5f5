import { constants, lstatSync, renameSync, type Stats } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Log } from '../log.ts';
import {
  type Entries,
  JournalWriter,
  type LoadedEntries,
  OtherVersion,
  readJournal,
  STATE_VERSION,
} from './state-journal.ts';
import { readRegularFile, refuseSpecialFile } from './state-path.ts';

/**
 * Changes are appended until they are as long as the whole state, but at least this long, in bytes. Then the file is
 * rewritten.
 */
const MIN_APPENDED = 65_536;

/** The file that keeps the OOM kills from one run of the exporter to the next. A problem with it never stops the daemon. */
export class StateFile {
  #path: string;
  readonly #log: Log;
  readonly #journal = new JournalWriter();
  #writing: Promise<void> | undefined;
  /** The file that this run last wrote. */
  #handle: FileHandle | undefined;
  #wholeBytes = 0;
  #appendedBytes = 0;
  #isFailing = false;
  readonly #unsafe: string | undefined;

  /** @param unsafe why the file must not be touched: its file system may not answer. */
  constructor(path: string, log: Log, unsafe?: string) {
    this.#path = path;
    this.#log = log;
    this.#unsafe = unsafe;
  }

  /** Whether the file may be touched at all. */
  get isUsable(): boolean {
    return this.#unsafe === undefined;
  }

  /** Whether the last attempt to use the file succeeded. */
  get up(): boolean {
    return !this.#isFailing;
  }

  /**
   * Loads what an earlier run has saved. Moves a damaged file away; leaves one of another version alone.
   *
   * @param parse throws SyntaxError if the entries make no sense.
   */
  load<T>(parse: (entries: LoadedEntries) => T): T | undefined {
    if (this.#unsafe !== undefined) {
      this.#fail(new Error(this.#unsafe));
      return undefined;
    }
    try {
      const text = readRegularFile(this.#path);
      // An administrator may have created an empty file.
      if (text === undefined || text === '') return undefined;
      const { entries, damage } = readJournal(text);
      if (damage !== undefined) {
        const facts = { file: this.#path, error: damage };
        this.#log.warn(facts, 'the end of the state file is damaged; using what was saved before it');
      }
      return parse(entries);
    } catch (error) {
      if (error instanceof OtherVersion) return this.#loadBeside(error, parse);
      if (error instanceof SyntaxError) this.#moveAway(error);
      else this.#fail(error);
      return undefined;
    }
  }

  /** Writes what has changed, in the background. Returns `false` and does nothing if a write is under way. */
  save(entries: Entries): boolean {
    if (this.#writing !== undefined || !this.isUsable) return false;
    this.#writing = this.#attempt(() => this.#write(entries)).finally(() => {
      this.#writing = undefined;
    });
    return true;
  }

  /** Writes the whole file for the last time, before the process ends. */
  async close(entries: Entries): Promise<void> {
    if (!this.isUsable) return;
    await this.#writing;
    await this.#attempt(() => this.#writeWhole(entries));
    await this.#release();
  }

  async #write(entries: Entries): Promise<void> {
    const isLong = this.#appendedBytes > Math.max(MIN_APPENDED, this.#wholeBytes);
    if (this.#handle === undefined || isLong || this.#isFailing || !(await this.#isInPlace(this.#handle))) {
      await this.#writeWhole(entries);
      return;
    }
    const line = this.#journal.change(entries);
    await this.#handle.appendFile(line);
    this.#appendedBytes += Buffer.byteLength(line);
  }

  /** Writes a new file beside the old one and then renames it over the old one, so that one complete file always exists. */
  async #writeWhole(entries: Entries): Promise<void> {
    refuseSpecialFile(this.#path);
    await this.#release();
    const draft = `${this.#path}.new`;
    // Removes a link, not its target. The file created next is neither a link nor owned by another user.
    await rm(draft, { force: true });
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const handle = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      const line = this.#journal.begin(entries);
      await handle.writeFile(line);
      await rename(draft, this.#path);
      this.#handle = handle;
      this.#wholeBytes = Buffer.byteLength(line);
      this.#appendedBytes = 0;
    } finally {
      if (this.#handle !== handle) await discard(handle, draft);
    }
  }

  /** Whether the open file is still the one at the path. */
  async #isInPlace(handle: FileHandle): Promise<boolean> {
    const there = lstatOrUndefined(this.#path);
    const { dev, ino } = await handle.stat();
    return there?.dev === dev && there.ino === ino;
  }

  async #release(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write();
      this.#isFailing = false;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#isFailing) {
      this.#log.warn({ file: this.#path, error }, 'cannot use the state file; a restart would lose OOM kills');
    }
    this.#isFailing = true;
  }

  /** A build of the other version may run again later and need its file, so this build uses its own file. */
  #loadBeside<T>(error: OtherVersion, parse: (entries: LoadedEntries) => T): T | undefined {
    const file = this.#path;
    this.#path = `${file}.v${STATE_VERSION}`;
    this.#log.warn(
      { file, error, instead: this.#path },
      'the state file has a different format version; using a separate file',
    );
    return this.load(parse);
  }

  #moveAway(error: unknown): void {
    const movedTo = `${this.#path}.damaged`;
    this.#log.warn({ file: this.#path, error, movedTo }, 'cannot use the damaged state file; moved it away');
    try {
      renameSync(this.#path, movedTo);
    } catch (reason) {
      this.#fail(reason);
    }
  }
}

async function discard(handle: FileHandle, draft: string): Promise<void> {
  await handle.close();
  await rm(draft, { force: true });
}

function lstatOrUndefined(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
