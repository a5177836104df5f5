import { createHash } from 'node:crypto';
import { type ConfigFiles, LOCAL_FILES } from '../config-files/config-files.ts';
import type { Accepted, Acceptance } from '../findings/acceptance.ts';
import { toError } from '../kernel/errno.ts';
import { SteadyClock } from '../kernel/steady-clock.ts';
import type { Log } from '../log.ts';
import type { AcceptEntry } from './accept-entry.ts';
import { labelsIn, parseAcceptFile } from './accept-file.ts';
import { AcceptRules, type MatchedContainer } from './accept-rules.ts';
import { EntryUse, type EntryState } from './entry-use.ts';

/** The accept file in force. */
interface Loaded {
  readonly entries: readonly AcceptEntry[];
  readonly rules: AcceptRules;
  readonly digest: string;
  /** When it was read, in seconds since boot. */
  readonly at: number;
}

/** How many labels can be asked for: each is read and kept for each container. */
const MOST_LABELS = 50;

/**
 * The findings that somebody has accepted, from the accept file. `refresh` reads it again if it has changed. If it is invalid then,
 * the last valid entries stay in force, and the log reports this once.
 */
export class Acceptances {
  readonly #path: string;
  readonly #log: Log;
  readonly #files: ConfigFiles;
  readonly #now: () => number;
  readonly #clock: SteadyClock;
  readonly #use: EntryUse;
  /** The labels of containers that entries may ask for. Engines are asked for them from the start. */
  readonly labels: ReadonlySet<string>;
  #stamp: string;
  #loaded: Loaded;
  #complaint: string | undefined;

  /**
   * @param options.now ms since the epoch.
   * @param options.elapsed ms of a clock that nobody sets.
   * @throws Error in one line if the file is invalid.
   */
  constructor(
    path: string,
    options: {
      readonly log: Log;
      readonly files?: ConfigFiles;
      readonly now?: () => number;
      readonly elapsed?: () => number;
      readonly clock?: SteadyClock;
    },
  ) {
    const { log, files = LOCAL_FILES, now = () => Date.now(), elapsed = () => performance.now() } = options;
    this.#clock = options.clock ?? new SteadyClock();
    this.#path = path;
    this.#log = log;
    this.#files = files;
    this.#now = now;
    this.#use = new EntryUse(log, elapsed);
    this.#stamp = files.stamp(path);
    this.#loaded = this.#load();
    this.labels = labelsIn(this.#loaded.entries);
    if (this.labels.size > MOST_LABELS) throw new Error(`${path}: more than ${MOST_LABELS} labels of containers`);
    this.#tell('accept file read');
  }

  /** Whether the file was valid when it was last read. */
  get isUp(): boolean {
    return this.#complaint === undefined;
  }

  /** When the entries in force were read, in seconds since the epoch. */
  get readAt(): number {
    return this.#clock.toWall()(this.#loaded.at);
  }

  /** How many entries are in each state. */
  get counts(): ReadonlyMap<EntryState, number> {
    return this.#use.counts(this.#now());
  }

  /** Reads the file again if it has changed, and logs which entries have expired or are not used. */
  refresh(): void {
    const stamp = this.#files.stamp(this.#path);
    if (stamp !== this.#stamp) this.#reload();
    this.#stamp = stamp;
    this.#use.tell(this.#path, this.#now());
  }

  /** The acceptances that hold for a container now; `undefined` if there is none. */
  of(container: MatchedContainer): Accepted | undefined {
    return this.#loaded.rules.of(container, this.#now());
  }

  /** Notes that a container has a finding for which somebody accepted it. */
  used(acceptance: Acceptance): void {
    this.#use.used(acceptance);
  }

  #reload(): void {
    try {
      const loaded = this.#load();
      const unread = [...labelsIn(loaded.entries)].find((label) => !this.labels.has(label));
      if (unread !== undefined) {
        throw new Error(
          `${this.#path}: label ${JSON.stringify(unread)} was in no entry at the start: restart the exporter`,
        );
      }
      const isSame = loaded.digest === this.#loaded.digest;
      // Containers keep their answers while the entries are the same.
      this.#loaded = isSame ? { ...this.#loaded, at: loaded.at } : loaded;
      const wasUp = this.isUp;
      this.#complaint = undefined;
      if (!isSame || !wasUp) this.#tell('accept file read again');
    } catch (error) {
      const { message } = toError(error);
      if (message !== this.#complaint) {
        this.#log.error({ error: message }, 'accept file is invalid; keeping the last valid one');
      }
      this.#complaint = message;
    }
  }

  #load(): Loaded {
    try {
      const text = this.#files.text(this.#path);
      const entries = parseAcceptFile(text);
      const digest = createHash('sha256').update(text).digest('hex');
      return { entries, rules: new AcceptRules(entries), digest, at: this.#clock.now() };
    } catch (error) {
      throw new Error(`${this.#path}: ${toError(error).message}`, { cause: error });
    }
  }

  #tell(message: string): void {
    const { entries } = this.#loaded;
    this.#use.replace(entries);
    this.#log.info({ file: this.#path, entries: entries.length }, message);
  }
}
