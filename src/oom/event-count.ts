/** What the counters say about groups that were killed together (`memory.oom.group`, cgroup v2). */
export interface GroupKills {
  /** `oom_group_kill` of `memory.events`, for the cgroup and those below it; `undefined` before Linux 5.17. */
  readonly count: number | undefined;
  /** Which cgroup makes the kernel kill all processes of this one together: itself, one above it, or none. */
  readonly set: 'itself' | 'above' | 'no';
}

/** The part that survives a restart of the exporter. */
export interface SavedEvents {
  /** Events that the kernel's log has reported. */
  readonly reported: number;
  /** Events that only a counter has shown. */
  readonly released: number;
  /** The kills of these events, which have no report. */
  readonly unreportedKills: number;
  /** The value of `oom_group_kill` when these events were counted. */
  readonly groups: number;
}

/** How long to wait for the kernel's log to report a kill that a counter has. In ms. */
const WAIT_FOR_KMSG_MS = 1_000;

/** How long after its last kill a group may still lose processes, if only counters show kills. In ms. */
const WAIT_FOR_GROUP_MS = 500;

/** The longest time to wait, in ms. */
const MAX_WAIT_MS = 2_000;

/** The sources that may still explain the kills of a container. */
export type KillReports = 'kmsg' | 'groups' | 'nothing';

/**
 * The OOM events of one container: what people call an OOM kill. A group of processes that the kernel kills together is one
 * event. The kernel's log says which kills belong together. Some kills appear only in a counter. They are released, which means
 * counted as events, once the log is no longer expected to report them.
 */
export class EventCount {
  #reported = 0;
  /** The kills released so far, and the number of events that they count as. */
  #releasedKills = 0;
  #released = 0;
  #groups = 0;
  #unreported = 0;
  #waitingSince = 0;
  #changedAt = 0;
  #total = 0;

  /** The events so far. Never falls. */
  get total(): number {
    return this.#total;
  }

  /** Kills that no report explains, and that are counted as events nevertheless. */
  get releasedKills(): number {
    return this.#releasedKills;
  }

  /** Whether kills wait to be counted as events. */
  get isWaiting(): boolean {
    return this.#unreported > this.#releasedKills;
  }

  /** Adds an event from the kernel's log. */
  report(): void {
    this.#reported += 1;
  }

  /**
   * Updates how many kills the kernel's log has not reported.
   *
   * @param now in ms of `performance.now()`.
   * @returns whether there are more than before.
   */
  note(unreported: number, now: number): boolean {
    const isMore = unreported > this.#unreported;
    if (isMore) {
      this.#changedAt = now;
      if (!this.isWaiting) this.#waitingSince = now;
    }
    this.#unreported = unreported;
    // The log has reported released kills late. Their events count separately, so subtract the released kills.
    const explained = this.#releasedKills - unreported;
    if (explained > 0) {
      this.#releasedKills = unreported;
      this.#released = Math.min(Math.max(0, this.#released - explained), unreported);
    }
    this.#update();
    return isMore;
  }

  /**
   * Counts kills without a report as events, once they have waited long enough.
   *
   * @param expected the sources that may still explain them.
   * @param groups the counters of groups; `undefined` if unknown, as on cgroup v1, which has no groups.
   */
  release(now: number, expected: KillReports, groups: GroupKills | undefined): void {
    if (!this.isWaiting) {
      // Groups that the kernel's log has reported.
      if (this.#unreported === 0) this.#groups = groups?.count ?? this.#groups;
      return;
    }
    const quiet = { kmsg: WAIT_FOR_KMSG_MS, groups: WAIT_FOR_GROUP_MS, nothing: 0 }[expected];
    if (now - this.#changedAt < quiet && now - this.#waitingSince < Math.min(quiet * 2, MAX_WAIT_MS)) return;
    this.releaseNow(groups);
  }

  /** Counts kills without a report as events, without waiting. */
  releaseNow(groups: GroupKills | undefined): void {
    const kills = this.#unreported - this.#releasedKills;
    this.#releasedKills = this.#unreported;
    this.#released += this.#eventsIn(kills, groups);
    this.#groups = groups?.count ?? this.#groups;
    this.#update();
  }

  /** The part to save. */
  save(): SavedEvents {
    return {
      reported: this.#reported,
      released: this.#released,
      unreportedKills: this.#releasedKills,
      groups: this.#groups,
    };
  }

  /** Restores the saved part. */
  restore({ reported, released, unreportedKills, groups }: SavedEvents): void {
    this.#reported = reported;
    this.#released = released;
    this.#groups = groups;
    this.#unreported = unreportedKills;
    this.#releasedKills = unreportedKills;
    this.#update();
  }

  #eventsIn(kills: number, groups: GroupKills | undefined): number {
    if (kills === 0 || groups === undefined) return kills;
    const { count, set } = groups;
    const news = count === undefined ? undefined : Math.max(0, count - this.#groups);
    if (set === 'no' && (news ?? 0) === 0) return kills;
    // Each event of such a container raises the number of groups, but a moment after the first kill.
    if (set === 'itself' && news !== undefined) return Math.min(kills, news);
    return Math.min(kills, Math.max(1, news ?? 1));
  }

  #update(): void {
    this.#total = Math.max(this.#total, this.#reported + this.#released);
  }
}
