/**
 * One decision of the OOM killer. It kills one process, or a whole group of processes (`memory.oom.group`). All victims
 * of one decision have the same event object.
 */
export interface OomEvent {
  /**
   * The cgroup whose processes are killed together, escaped as in the log; `undefined` if the event has no group, or
   * none is known yet.
   */
  readonly group: string | undefined;
  /** The kernel has moved on, so there are no more victims to come. */
  readonly isOver: boolean;
}

/** The kernel writes at most this many reports in {@link SUPPRESSION_US}, and then the `Killed process` lines alone. */
const MAX_REPORTS = 10;

/** `DEFAULT_RATELIMIT_INTERVAL` plus the time that a clock tick may add, in µs. */
const SUPPRESSION_US = 5_050_000;

/** In a burst, a kill counts as part of the preceding group if it follows within this time, in µs. */
const SHORTEST_PAUSE_US = 100_000;

/**
 * The same limit as a multiple of the longest pause so far between two lines of the event. A slow console delays lines.
 */
const PAUSE_FACTOR = 4;

/** Outside of bursts, how long to wait for the next line of a group, in µs. */
const LONGEST_PAUSE_US = 60_000_000;

/** Finds out which kills in the kernel's log are one event. All times are those of records, in µs. */
export class OomEvents {
  #event: { group: string | undefined; isOver: boolean } | undefined;
  /** When the last line of the event was written. */
  #lastLine = 0;
  #longestPause = 0;
  /** When the latest reports were written. */
  readonly #reports: number[] = [];
  /** Until this time, the kernel may omit reports because of earlier reports that this process did not read. */
  #suppressedUntil: number;

  /** @param start when the kernel wrote the first record, or the first record after a gap. */
  constructor(start: number) {
    this.#suppressedUntil = start + SUPPRESSION_US;
  }

  /** A report was written: another event has begun. */
  noteReport(time: number): void {
    this.end();
    this.#reports.push(time);
    if (this.#reports.length > MAX_REPORTS) this.#reports.shift();
  }

  /** Ends the current event. */
  end(): void {
    if (this.#event !== undefined) this.#event.isOver = true;
  }

  /** Begins an event, whose first victim the kernel has chosen. */
  begin(time: number): OomEvent {
    this.end();
    const event = { group: undefined, isOver: false };
    this.#event = event;
    this.#lastLine = time;
    this.#longestPause = 0;
    return event;
  }

  /** After it chose a process, the kernel has announced that it kills all processes of a cgroup. */
  beginGroup(cgroup: string, time: number): void {
    if (this.#event === undefined || this.#event.isOver) this.begin(time);
    if (this.#event !== undefined) this.#event.group = cgroup;
    this.#noteLine(time);
  }

  /**
   * The event of a kill without a report: the current event if the kernel is killing its group, otherwise a new event.
   */
  eventOf(time: number): OomEvent {
    const event = this.#event;
    if (event === undefined || event.isOver || event.group === undefined || !this.#isInTime(time)) {
      return this.begin(time);
    }
    this.#noteLine(time);
    return event;
  }

  #noteLine(time: number): void {
    this.#longestPause = Math.max(this.#longestPause, time - this.#lastLine);
    this.#lastLine = time;
  }

  #isInTime(time: number): boolean {
    const longest = this.#isSuppressed(time)
      ? Math.max(SHORTEST_PAUSE_US, PAUSE_FACTOR * this.#longestPause)
      : LONGEST_PAUSE_US;
    return time - this.#lastLine < longest;
  }

  /** Whether the kernel may have omitted a report. If so, a kill without a report may be a separate event. */
  #isSuppressed(time: number): boolean {
    const [oldest = 0] = this.#reports;
    const isBurst = this.#reports.length === MAX_REPORTS && time - oldest < SUPPRESSION_US;
    return isBurst || time < this.#suppressedUntil;
  }
}
