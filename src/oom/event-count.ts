import type { OomEvent } from '../kernel/oom-events.ts';

/** What the counters say about groups that were killed together (`memory.oom.group`, cgroup v2). */
export interface GroupKills {
  /** `oom_group_kill` of `memory.events`, for the cgroup and those below it; `undefined` before Linux 5.17. */
  readonly count: number | undefined;
  /** Which cgroup makes the kernel kill all processes of this one together: itself, one above it, or none. `unknown`: it was never read. */
  readonly set: 'itself' | 'above' | 'no' | 'unknown';
  /** The container is gone, so there will be no other reading. */
  readonly isFinal?: boolean;
}

/** A report of the kernel's log. Its group may become known later. */
export type ReportedEvent = Pick<OomEvent, 'group' | 'isOver'>;

/** The part that survives a restart of the exporter. */
export interface SavedEvents {
  /** Events that the kernel's log has reported. */
  readonly reported: number;
  /** Events that only a counter has shown. */
  readonly released: number;
  /** The kills of these events, which have no report. */
  readonly unreportedKills: number;
  /** How many of the groups in `oom_group_kill` these events include. */
  readonly groups: number;
}

/** How long to wait for the kernel's log to report a kill that a counter has. In ms. */
const WAIT_FOR_KMSG_MS = 1_000;

/** How long after its last kill a group may still lose processes, if only counters show kills. In ms. */
const WAIT_FOR_GROUP_MS = 500;

/** The longest time to wait, in ms. */
const MAX_WAIT_MS = 2_000;

/** The longest time to wait if the kernel's log has not been read to its end, in ms. Others may write to it without an end. */
const MAX_WAIT_FOR_END_MS = 30_000;

/** Differs from every number of groups. */
const UNREAD = -1;

/** The sources that may still explain the kills of a container. `unread`: the end of the kernel's log has not been read. */
export type KillReports = 'unread' | 'kmsg' | 'groups' | 'nothing';

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
  /** The last reading of the number of groups. */
  #groupsRead = 0;
  /** Reported events that may still turn out to be groups. */
  readonly #mayBeGroups = new Set<ReportedEvent>();
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
  report(event: ReportedEvent): void {
    this.#reported += 1;
    this.#mayBeGroups.add(event);
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
      // The reports include groups that were released, too.
      this.#groupsRead = UNREAD;
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
    this.#noteGroups(groups);
    if (!this.isWaiting) return;
    if (now - this.#waitingSince < MAX_WAIT_FOR_END_MS && this.#isExpected(now, expected)) return;
    this.releaseNow(groups);
  }

  /** Counts kills without a report as events, without waiting. */
  releaseNow(groups: GroupKills | undefined): void {
    this.#noteGroups(groups);
    const kills = this.#unreported - this.#releasedKills;
    this.#releasedKills = this.#unreported;
    const events = this.#eventsIn(kills, groups);
    this.#released += events;
    this.#groups = Math.max(this.#groups + (groups?.set === 'itself' ? events : 0), groups?.count ?? 0);
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

  /** Notes which groups the reported events include. */
  #noteGroups(groups: GroupKills | undefined): void {
    for (const event of this.#mayBeGroups) {
      if (event.group !== undefined) this.#groups += 1;
      if (event.group !== undefined || event.isOver) this.#mayBeGroups.delete(event);
    }
    const { count = this.#groupsRead } = groups ?? {};
    // A report may be newer than the last reading.
    if (this.#unreported === 0 && count !== this.#groupsRead) this.#groups = count;
    this.#groupsRead = count;
  }

  #isExpected(now: number, from: KillReports): boolean {
    if (from === 'unread') return true;
    const quiet = { kmsg: WAIT_FOR_KMSG_MS, groups: WAIT_FOR_GROUP_MS, nothing: 0 }[from];
    return now - this.#changedAt < quiet && now - this.#waitingSince < Math.min(quiet * 2, MAX_WAIT_MS);
  }

  #eventsIn(kills: number, groups: GroupKills | undefined): number {
    if (kills === 0 || groups === undefined) return kills;
    const { count, set, isFinal = false } = groups;
    const news = count === undefined ? undefined : Math.max(0, count - this.#groups);
    // Each event of such a container raises the number of groups, but a moment after the first kill.
    const isFirst = isFinal && this.#reported + this.#released === 0;
    if (set === 'itself' && news !== undefined) return Math.min(kills, isFirst ? Math.max(1, news) : news);
    const isGroup = news === undefined ? set !== 'no' : set === 'above' || news > 0;
    return isGroup ? Math.min(kills, Math.max(1, news ?? 1)) : kills;
  }

  #update(): void {
    this.#total = Math.max(this.#total, this.#reported + this.#released);
  }
}
