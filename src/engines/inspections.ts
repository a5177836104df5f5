import { RateLimit } from './rate-limit.ts';

/** The number of concurrent inspections: enough to keep an engine busy, few enough not to burden it. */
const PARALLEL = 4;

interface Wanted {
  /** `done`: nothing to do until an event of the container; `waiting`: a timer is running, or there is no session. */
  state: 'queued' | 'asking' | 'waiting' | 'done';
  /** An event arrived during an inspection of the container. */
  again: boolean;
  failures: number;
  timer: NodeJS.Timeout | undefined;
  /** When the last inspection because of an event was due, in ms of `performance.now()`. */
  repeatedAt: number;
}

interface InspectionOptions {
  /** Delays after consecutive failures, in ms. After the last one there is no further attempt. */
  readonly retryDelays: readonly number[];
  /** The shortest time between two inspections of one container because of its events, in ms. */
  readonly repeatInterval: number;
  /** Inspections of all containers because of events, per second. */
  readonly repeatsPerSecond: number;
  readonly onFailed: (id: string, error: unknown) => void;
  /** The rate is used up: an inspection has to wait. */
  readonly onDeferred: () => void;
}

/**
 * Decides when to inspect which container. Each container is inspected once when it appears, and again after an event
 * or a failure. After several failures in a row, the attempts stop. Events of one container that come close together
 * cause one inspection, after the last of them. A container that floods the engine with events costs a few requests a
 * second.
 */
export class Inspections implements Disposable {
  readonly #options: InspectionOptions;
  readonly #wanted = new Map<string, Wanted>();
  readonly #queue = new Set<string>();
  readonly #repeats: RateLimit;
  /** Containers with an event, which are inspected as soon as the rate allows it. */
  readonly #deferred = new Set<string>();
  #deferredTimer: NodeJS.Timeout | undefined;
  #inspect: ((id: string) => Promise<void>) | undefined;
  #asking = 0;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#repeats = new RateLimit(options.repeatsPerSecond);
  }

  isWanted(id: string): boolean {
    return this.#wanted.has(id);
  }

  /** Adds a container that has appeared. */
  want(id: string): void {
    if (this.#wanted.has(id)) return;
    this.#add(id);
    this.#enqueue(id);
  }

  /** Handles an event of a container, and adds it if necessary. */
  wantAgain(id: string): void {
    if (this.#wanted.has(id)) this.again(id);
    else this.#repeat(id, this.#add(id));
  }

  /** Handles an event of a container. Ignores containers that were not added. */
  again(id: string): void {
    const wanted = this.#wanted.get(id);
    // A container that still waits for its inspection is inspected after this event anyway.
    if (wanted === undefined || wanted.state === 'queued') return;
    wanted.failures = 0;
    if (wanted.state === 'asking') wanted.again = true;
    else this.#repeat(id, wanted);
  }

  /**
   * Inspects a container again, in its turn, because what is known of it may be old. Ignores containers that were not added. No container
   * can cause this, so that no rate is needed.
   */
  renew(id: string): void {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined || wanted.state === 'queued') return;
    if (wanted.state === 'asking') wanted.again = true;
    else this.#enqueue(id);
  }

  /** Removes a container that is gone. */
  forget(id: string): void {
    clearTimeout(this.#wanted.get(id)?.timer);
    this.#wanted.delete(id);
    this.#queue.delete(id);
    this.#deferred.delete(id);
  }

  /** The engine answers. Inspects every container without an answer. */
  begin(inspect: (id: string) => Promise<void>): void {
    this.#inspect = inspect;
    for (const [id, wanted] of this.#wanted) {
      wanted.failures = 0;
      if (wanted.state !== 'done' && wanted.state !== 'asking') this.#enqueue(id);
    }
  }

  /** The engine no longer answers. Inspections in progress fail by themselves. */
  pause(): void {
    this.#inspect = undefined;
    this.#deferred.clear();
    clearTimeout(this.#deferredTimer);
    for (const wanted of this.#wanted.values()) clearTimeout(wanted.timer);
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#wanted.clear();
    this.#queue.clear();
  }

  #add(id: string): Wanted {
    const wanted: Wanted = { state: 'queued', again: false, failures: 0, timer: undefined, repeatedAt: -Infinity };
    this.#wanted.set(id, wanted);
    return wanted;
  }

  /** Inspects after an event: now, or as soon as both limits allow it. Further events until then have no effect. */
  #repeat(id: string, wanted: Wanted): void {
    clearTimeout(wanted.timer);
    const now = performance.now();
    const rest = wanted.repeatedAt + this.#options.repeatInterval - now;
    wanted.state = 'waiting';
    if (rest > 0) wanted.timer = setTimeout(() => this.#repeat(id, wanted), rest).unref();
    else {
      this.#deferred.add(id);
      this.#repeatDeferred();
    }
  }

  #repeatDeferred(): void {
    clearTimeout(this.#deferredTimer);
    const now = performance.now();
    for (const id of this.#deferred) {
      if (!this.#repeats.take(now)) {
        this.#options.onDeferred();
        this.#deferredTimer = setTimeout(() => this.#repeatDeferred(), this.#repeats.wait(now)).unref();
        return;
      }
      this.#deferred.delete(id);
      const wanted = this.#wanted.get(id);
      if (wanted !== undefined) wanted.repeatedAt = now;
      this.#enqueue(id);
    }
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

  /** Inspects one container after another until none is left or the session has ended. Never rejects. */
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
      // The container may have been removed and added again meanwhile.
      if (this.#wanted.get(id) !== wanted) continue;
      if (wanted.again) this.#repeat(id, wanted);
      else if (error !== undefined && this.#inspect !== inspect) this.#enqueue(id);
      else if (error !== undefined) this.#failed(id, wanted, error);
    }
    this.#asking -= 1;
  }

  #failed(id: string, wanted: Wanted, error: unknown): void {
    this.#options.onFailed(id, error);
    const delay = this.#options.retryDelays[wanted.failures];
    wanted.failures += 1;
    if (delay !== undefined) wanted.timer = setTimeout(() => this.#enqueue(id), delay).unref();
  }
}
