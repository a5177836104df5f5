/** How long events are handled before the event loop turns, in ms. */
const SLICE_MS = 10;

/** As many are handled in any case: on a slow machine, everything else would get more time than they in each turn. */
const FEWEST = 16;

/** How long work that can wait gives way to events, in ms. */
const PATIENCE_MS = 500;

/** How many events of one directory may wait. A host that creates thousands of containers at once has as many. */
const MOST_OF_ONE = 8_192;

/** How many events may wait in all. Beyond this number each directory may have only {@link FEW}. */
const MOST_IN_ALL = 65_536;
const FEW = 64;

interface Waiting {
  /** `undefined`: not an event, but something that comes after all events so far. */
  readonly directory: string | undefined;
  readonly handle: () => void;
}

interface Later {
  readonly work: () => void;
  /** When it stops giving way, in ms of `performance.now()`. */
  readonly due: number;
}

/**
 * The events of all watches, in the order in which the kernel reported them. Handling an event takes longer than causing it, and
 * libuv delivers all that there are before anything else runs. So events are only noted at first. They are handled in slices, with
 * turns of the event loop in between. What can wait is done when there are none.
 */
export class EventQueue {
  #waiting: Waiting[] = [];
  /** The first of {@link #waiting} that is not handled yet. */
  #next = 0;
  readonly #counts = new Map<string, number>();
  readonly #later: Later[] = [];
  #isScheduled = false;

  /**
   * Adds an event in a directory.
   *
   * @returns `false` if too many wait: then the event is not added, and the watch on the directory must be stopped.
   */
  push(directory: string, handle: () => void): boolean {
    const count = (this.#counts.get(directory) ?? 0) + 1;
    if (count > (this.#waiting.length - this.#next >= MOST_IN_ALL ? FEW : MOST_OF_ONE)) return false;
    this.#counts.set(directory, count);
    this.#add({ directory, handle });
    return true;
  }

  /**
   * Runs `callback` once all events that the kernel has queued so far were handled.
   *
   * libuv reads its inotify descriptor until it is empty in each poll phase, and immediates come right after that phase. Called from
   * within a poll phase, which may be past that descriptor already, the first immediate proves nothing. The second one has a whole
   * phase before it. A timer would prove nothing at all: after a long block of the event loop it comes before the poll.
   */
  afterPending(callback: () => void): void {
    setImmediate(() =>
      setImmediate(() => {
        if (this.#waiting.length === 0) callback();
        else this.#add({ directory: undefined, handle: callback });
      }),
    );
  }

  /** Runs `work` when no event waits, or after half a second. */
  later(work: () => void): void {
    this.#later.push({ work, due: performance.now() + PATIENCE_MS });
    this.#schedule();
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#handleSlice();
      if (this.#waiting.length > 0 || this.#later.length > 0) this.#schedule();
    });
  }

  #handleSlice(): void {
    const end = performance.now() + SLICE_MS;
    for (let handled = 1; this.#handleNext(); handled += 1) {
      const now = performance.now();
      if (now < end || handled < FEWEST) continue;
      if (now > (this.#later[0]?.due ?? Infinity)) this.#workNext();
      return;
    }
    while (this.#workNext()) if (performance.now() >= end) return;
  }

  #handleNext(): boolean {
    const next = this.#waiting[this.#next];
    if (next === undefined) {
      this.#waiting = [];
      this.#next = 0;
      return false;
    }
    this.#next += 1;
    this.#uncount(next.directory);
    next.handle();
    return true;
  }

  #workNext(): boolean {
    const next = this.#later.shift();
    next?.work();
    return next !== undefined;
  }

  #uncount(directory: string | undefined): void {
    if (directory === undefined) return;
    const count = (this.#counts.get(directory) ?? 0) - 1;
    if (count > 0) this.#counts.set(directory, count);
    else this.#counts.delete(directory);
  }
}
