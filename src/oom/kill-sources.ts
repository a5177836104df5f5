/** Kills in one cgroup according to two sources. Either source may know of more kills than the other. */
interface CgroupKills {
  fromCounter: number;
  fromKmsg: number;
}

/** Kills in a cgroup that was removed, without a report in the kernel's log so far. */
interface Unreported {
  kills: number;
  /** When the removal of the cgroup was noticed, in seconds by the steady clock. */
  readonly until: number;
}

/** A margin above the resolution of the steady clock, in seconds: the kernel's log has more exact times of kills. */
const CLOCK_SLACK_S = 0.05;

/** How long the kernel's log may take to report a kill that a counter already has, in seconds. A console can be slow. */
const LATE_S = 30;

/** How many removed cgroups are remembered one by one. A container can make any number. */
const MAX_REMOVED_CGROUPS = 64;

/** The part that survives a restart of the exporter. */
export interface SavedSources {
  /** The last counter values of existing cgroups. */
  readonly counts: readonly (readonly [cgroup: string, fromCounter: number, fromKmsg: number])[];
  /** Kills in recently removed cgroups that the kernel's log has not reported. */
  readonly recent: readonly (readonly [cgroup: string, kills: number])[];
  /** Kills in removed cgroups that the kernel's log has reported. */
  readonly reported: number;
  /** Kills in all other removed cgroups. */
  readonly unreported: number;
  /** Reports that name a process of the container, but not its cgroup. */
  readonly withoutCgroup: number;
}

/**
 * The kills in the cgroups of one container. On cgroup v1 every cgroup inside the container has its own count. On v2
 * the counter of the container includes them, so this object only has the container's own cgroup.
 */
export class KillSources {
  readonly #byCgroup = new Map<string, CgroupKills>();
  /** Removed cgroups: another one can be created at the same path, and its counter starts at 0. */
  readonly #recentlyRemoved = new Map<string, Unreported>();
  #removedReported = 0;
  #removedUnreported = 0;
  #withoutCgroup = 0;

  /** How many cgroups this object remembers. */
  get size(): number {
    return this.#byCgroup.size + this.#recentlyRemoved.size;
  }

  /** The last value of the counter of a cgroup. */
  counterOf(cgroup: string): number {
    return this.#byCgroup.get(cgroup)?.fromCounter ?? 0;
  }

  /**
   * Adds a report from the kernel's log.
   *
   * @param cgroup the cgroup of the victim; `undefined`: somewhere in the container.
   * @param at when it was killed, in seconds by the steady clock.
   */
  report(cgroup: string | undefined, at: number): void {
    if (cgroup === undefined) {
      this.#withoutCgroup += 1;
      return;
    }
    const removed = this.#byCgroup.has(cgroup) ? undefined : this.#recentlyRemoved.get(cgroup);
    if (removed === undefined || removed.kills === 0 || at > removed.until + CLOCK_SLACK_S) {
      this.#killsIn(cgroup).fromKmsg += 1;
      return;
    }
    removed.kills -= 1;
    this.#removedReported += 1;
  }

  /** Updates the counter of a cgroup. It never falls while the cgroup exists. */
  count(cgroup: string, kills: number): void {
    // Most cgroups inside a container never have a kill.
    if (kills === 0) return;
    const counts = this.#killsIn(cgroup);
    counts.fromCounter = Math.max(counts.fromCounter, kills);
  }

  /** Sums the kills of removed cgroups. `now` is in seconds by the steady clock. */
  foldRemoved(exists: (cgroup: string) => boolean, now: number): void {
    for (const [cgroup, { fromCounter, fromKmsg }] of this.#byCgroup) {
      if (exists(cgroup)) continue;
      this.#byCgroup.delete(cgroup);
      this.#removedReported += fromKmsg;
      const kills = Math.max(0, fromCounter - fromKmsg) + (this.#recentlyRemoved.get(cgroup)?.kills ?? 0);
      this.#recentlyRemoved.delete(cgroup);
      if (kills > 0) this.#recentlyRemoved.set(cgroup, { kills, until: now });
    }
    for (const [cgroup, { kills, until }] of this.#recentlyRemoved) {
      if (this.#recentlyRemoved.size <= MAX_REMOVED_CGROUPS && now - until <= LATE_S) break;
      this.#recentlyRemoved.delete(cgroup);
      this.#removedUnreported += kills;
    }
  }

  /**
   * The kills according to all sources, and how many of them the kernel's log has reported.
   *
   * @param inside kills of inner containers that the counter includes.
   */
  sum(inside: number): { readonly kills: number; readonly reported: number } {
    let reported = this.#removedReported;
    let unreported = this.#removedUnreported;
    for (const { kills } of this.#recentlyRemoved.values()) unreported += kills;
    for (const { fromCounter, fromKmsg } of this.#byCgroup.values()) {
      reported += fromKmsg;
      unreported += Math.max(0, fromCounter - inside - fromKmsg);
    }
    // A counter may already include the kill of a report without a cgroup.
    return { kills: reported + Math.max(unreported, this.#withoutCgroup), reported: reported + this.#withoutCgroup };
  }

  /** The part to save. */
  save(): SavedSources {
    return {
      counts: [...this.#byCgroup].map(([cgroup, { fromCounter, fromKmsg }]) => [cgroup, fromCounter, fromKmsg]),
      recent: [...this.#recentlyRemoved].map(([cgroup, { kills }]) => [cgroup, kills]),
      reported: this.#removedReported,
      unreported: this.#removedUnreported,
      withoutCgroup: this.#withoutCgroup,
    };
  }

  /** Restores the saved part. `now` is in seconds by the steady clock. */
  restore(saved: SavedSources, now: number): void {
    for (const [cgroup, fromCounter, fromKmsg] of saved.counts) this.#byCgroup.set(cgroup, { fromCounter, fromKmsg });
    for (const [cgroup, kills] of saved.recent) this.#recentlyRemoved.set(cgroup, { kills, until: now });
    this.#removedReported += saved.reported;
    this.#removedUnreported += saved.unreported;
    this.#withoutCgroup += saved.withoutCgroup;
  }

  #killsIn(cgroup: string): CgroupKills {
    let kills = this.#byCgroup.get(cgroup);
    if (kills === undefined) {
      kills = { fromCounter: 0, fromKmsg: 0 };
      this.#byCgroup.set(cgroup, kills);
    }
    return kills;
  }
}
