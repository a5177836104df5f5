/** As many events as the kernel keeps for an inotify descriptor by default (`fs.inotify.max_queued_events`). */
const MOST_IN_ALL = 16_384;

/** One source may cause half of them: a host that creates thousands of containers at once. */
const MOST_OF_ONE = MOST_IN_ALL / 2;

/** What one source may cause after all sources together have caused too many. */
const FEW = 64;

/**
 * Notices a source of events that causes too many before the event loop turns. libuv reads its inotify descriptor until it is empty.
 * So events that come as fast as they are handled stop everything else on this thread, for as long as somebody likes.
 */
export class EventFlood {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /**
   * Counts an event. Count all events, also those that are ignored.
   *
   * @returns whether the source must be stopped.
   */
  note(source: string): boolean {
    // Immediates come right after the phase in which libuv delivers inotify events.
    if (this.#total === 0) setImmediate(() => this.#begin());
    this.#total += 1;
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, count);
    return count > (this.#total > MOST_IN_ALL ? FEW : MOST_OF_ONE);
  }

  #begin(): void {
    this.#counts.clear();
    this.#total = 0;
  }
}

/** The error of a watch that was stopped because of {@link EventFlood}. */
export class TooManyEvents extends Error {
  constructor() {
    super('too many events at once');
  }
}
