/** How many containers are inspected at a time: enough to keep an engine busy, few enough not to be a burden. */
const PARALLEL = 4;

interface Wanted {
  /** `done` until something happens to the container; `waiting` has a timer, or no session. */
  state: 'queued' | 'asking' | 'waiting' | 'done';
  /** Asked for once more while it was being asked about. */
  again: boolean;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Which containers an engine is still to be asked about. Each is asked about once when it appears, again when something
 * happens to it or when it fails, and not for ever if it keeps failing.
 */
export class Inspections implements Disposable {
  readonly #inspectAgain: readonly number[];
  readonly #onFailed: (id: string, error: unknown) => void;
  readonly #wanted = new Map<string, Wanted>();
  readonly #queue = new Set<string>();
  #inspect: ((id: string) => Promise<void>) | undefined;
  #asking = 0;

  constructor(inspectAgain: readonly number[], onFailed: (id: string, error: unknown) => void) {
    this.#inspectAgain = inspectAgain;
    this.#onFailed = onFailed;
  }

  isWanted(id: string): boolean {
    return this.#wanted.has(id);
  }

  /** A container has appeared. */
  want(id: string): void {
    if (this.#wanted.has(id)) return;
    this.#wanted.set(id, { state: 'queued', again: false, failures: 0, timer: undefined });
    this.#enqueue(id);
  }

  /** Something has happened to a wanted container. */
  again(id: string): void {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    wanted.failures = 0;
    wanted.again = wanted.state === 'asking';
    if (!wanted.again) this.#enqueue(id);
  }

  /** A container is gone. */
  forget(id: string): void {
    clearTimeout(this.#wanted.get(id)?.timer);
    this.#wanted.delete(id);
    this.#queue.delete(id);
  }

  /** The engine can be asked. All that has not been answered is asked now. */
  begin(inspect: (id: string) => Promise<void>): void {
    this.#inspect = inspect;
    for (const [id, wanted] of this.#wanted) {
      wanted.failures = 0;
      if (wanted.state !== 'done' && wanted.state !== 'asking') this.#enqueue(id);
    }
  }

  /** The engine cannot be asked any more. What it is being asked fails by itself. */
  pause(): void {
    this.#inspect = undefined;
    for (const wanted of this.#wanted.values()) clearTimeout(wanted.timer);
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#wanted.clear();
    this.#queue.clear();
  }

  #enqueue(id: string): void {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    clearTimeout(wanted.timer);
    wanted.state = 'queued';
    this.#queue.add(id);
    while (this.#inspect !== undefined && this.#asking < PARALLEL && this.#queue.size > 0)
      void this.#work(this.#inspect);
  }

  /** Asks about one after the other until there is none left, or the session has ended. Never rejects. */
  async #work(inspect: (id: string) => Promise<void>): Promise<void> {
    this.#asking += 1;
    for (const id of this.#queue) {
      if (this.#inspect !== inspect) break;
      this.#queue.delete(id);
      const wanted = this.#wanted.get(id);
      if (wanted === undefined) continue;
      wanted.state = 'asking';
      wanted.again = false;
      const error = await inspect(id).then(
        () => undefined,
        (reason: unknown) => reason ?? new Error('Failed'),
      );
      wanted.state = error === undefined ? 'done' : 'waiting';
      // It may be another container's life that has the id by now.
      if (this.#wanted.get(id) !== wanted) continue;
      if (wanted.again || (error !== undefined && this.#inspect !== inspect)) this.#enqueue(id);
      else if (error !== undefined) this.#failed(id, wanted, error);
    }
    this.#asking -= 1;
  }

  #failed(id: string, wanted: Wanted, error: unknown): void {
    this.#onFailed(id, error);
    const delay = this.#inspectAgain[wanted.failures];
    wanted.failures += 1;
    if (delay !== undefined) wanted.timer = setTimeout(() => this.#enqueue(id), delay).unref();
  }
}
