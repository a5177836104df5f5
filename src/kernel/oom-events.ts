/**
 * One decision of the OOM killer, which kills one process, or a whole group of them (`memory.oom.group`). It is the same
 * object for all of its victims.
 */
export interface OomEvent {
  /** The cgroup whose processes are killed together, escaped as in the log; `undefined` if it is not a group, or not yet. */
  readonly group: string | undefined;
  /** The kernel has moved on, so there are no more victims to come. */
  readonly isOver: boolean;
}

/** The kernel writes at most this many reports in {@link SUPPRESSION_US}, and then the `Killed process` lines alone. */
const MAX_REPORTS = 10;

/** `DEFAULT_RATELIMIT_INTERVAL`, and what a tick of the clock may add. In µs. */
const SUPPRESSION_US = 5_050_000;

/** In a burst, a kill is taken for one of the group before it if it comes this soon after it, in µs. */
const SHORTEST_PAUSE_US = 100_000;

/** On a slow console lines come slowly: the same as a multiple of the longest pause between two lines of the event so far. */
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
  /** Until then reports may be left out because of earlier ones that nobody has read. */
  #suppressedUntil: number;

  /** @param start when the first record was written, or the first one after some were lost. */
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

  /** The kernel has announced that it kills all processes of a cgroup, after the one that it chose. */
  beginGroup(cgroup: string, time: number): void {
    if (this.#event === undefined || this.#event.isOver) this.begin(time);
    if (this.#event !== undefined) this.#event.group = cgroup;
    this.#noteLine(time);
  }

  /** The event of a kill without a report: the group that is being killed, or a new one. */
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

  /** Whether the kernel may have left out a report, so that a kill without one may be an event of its own. */
  #isSuppressed(time: number): boolean {
    const [oldest = 0] = this.#reports;
    const isBurst = this.#reports.length === MAX_REPORTS && time - oldest < SUPPRESSION_US;
    return isBurst || time < this.#suppressedUntil;
  }
}
