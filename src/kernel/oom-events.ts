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
  /**
   * The event whose group was being killed when this one began, if this may be a part of it: the kernel had left out the report
   * that would tell. Absent: this is an event of its own.
   */
  readonly perhapsPartOf?: OomEvent | undefined;
}

type OpenEvent = { -readonly [key in keyof OomEvent]: OomEvent[key] };

/** The kernel writes at most this many reports in {@link SUPPRESSION_US}, and then the `Killed process` lines alone. */
const MAX_REPORTS = 10;

/**
 * `DEFAULT_RATELIMIT_INTERVAL` in µs, plus two seconds: the kernel decides to leave out a report before it writes the line about
 * the kill, and a slow machine takes its time in between.
 */
const SUPPRESSION_US = 7_000_000;

/** How long to wait for the next line of a group, in µs. A slow console delays lines. */
const LONGEST_PAUSE_US = 60_000_000;

/** Finds out which kills in the kernel's log are one event. All times are those of records, in µs. */
export class OomEvents {
  #event: OpenEvent | undefined;
  /** The first victim of the latest event. */
  #chosen: number | undefined;
  /** The kernel marks the chosen process of each event, so that all other lines belong to the group. */
  #isMarked = false;
  /** The event whose group the kernel is killing, and its first victim, which the kernel names again as a member of the group. */
  #group: { readonly event: OpenEvent; readonly chosen: number | undefined } | undefined;
  /** A process that the kernel did not kill, because it was exiting: a member of the group, or the chosen one of the next event. */
  #exiting: number | undefined;
  /** When the last line of the event or of the group was written. */
  #lastLine = 0;
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

  /** Ends the current event, and the group that the kernel was killing. */
  end(): void {
    if (this.#event !== undefined) this.#event.isOver = true;
    if (this.#group !== undefined) this.#group.event.isOver = true;
    this.#group = undefined;
    this.#exiting = undefined;
  }

  /**
   * Begins an event, whose first victim the kernel has chosen.
   *
   * @param isMarked whether the kernel has said so in a line that it writes for each event, as before Linux 5.2.
   */
  begin(time: number, pid: number | undefined, isMarked = false): OomEvent {
    this.end();
    this.#isMarked = isMarked;
    this.#lastLine = time;
    return this.#begin(pid, undefined);
  }

  /**
   * The kernel did not kill a process, because it was exiting anyway.
   *
   * @returns the event that begins with it; `undefined` if the process may be one of the group that is being killed.
   */
  skip(time: number, pid: number): OomEvent | undefined {
    if (this.#group === undefined || !this.#isInTime(time)) return this.begin(time, pid);
    this.#lastLine = time;
    this.#exiting = pid;
    return undefined;
  }

  /** After it chose a process, the kernel has announced that it kills all processes of a cgroup. */
  beginGroup(cgroup: string, time: number): void {
    if (this.#exiting !== undefined) this.begin(time, this.#exiting);
    const begun = this.#event?.isOver === false && this.#event.group === undefined ? this.#event : undefined;
    if (this.#group !== undefined) this.#group.event.isOver = true;
    const event = begun ?? this.#begin(undefined, undefined);
    event.group = cgroup;
    event.perhapsPartOf = undefined;
    this.#group = { event, chosen: this.#chosen };
    this.#lastLine = time;
  }

  /**
   * The event of a kill without a report: the event whose group the kernel is killing, if that is certain, otherwise a new one.
   */
  eventOf(time: number, pid: number): OomEvent {
    const group = this.#group;
    if (group === undefined || !this.#isInTime(time)) return this.begin(time, pid);
    this.#lastLine = time;
    this.#exiting = undefined;
    if (pid !== group.chosen && !this.#isMarked && this.#isSuppressed(time)) {
      if (this.#event !== undefined && this.#event !== group.event) this.#event.isOver = true;
      return this.#begin(pid, group.event);
    }
    this.#event = group.event;
    return group.event;
  }

  #begin(pid: number | undefined, perhapsPartOf: OomEvent | undefined): OpenEvent {
    this.#event = { group: undefined, isOver: false, perhapsPartOf };
    this.#chosen = pid;
    return this.#event;
  }

  #isInTime(time: number): boolean {
    return time - this.#lastLine < LONGEST_PAUSE_US;
  }

  /** Whether the kernel may have omitted a report. If so, a kill without a report may be a separate event. */
  #isSuppressed(time: number): boolean {
    const [oldest = 0] = this.#reports;
    const isBurst = this.#reports.length === MAX_REPORTS && time - oldest < SUPPRESSION_US;
    return isBurst || time < this.#suppressedUntil;
  }
}
