import type { CgroupMatch, ContainerCgroup, OomAccount } from '../container.ts';
import type { ContainerRecord, NamedLabels } from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';
import type { KillTotals } from './kill-totals.ts';
import type { SavedRecord } from './state.ts';

/** Where names come from. */
export interface RecordNames {
  /** The labels of a container; `undefined` while its name may still come. */
  readonly labelsOf: (match: CgroupMatch, waitedMs: number) => NamedLabels | undefined;
  /** Asks the engine for the name of a removed container, which no other part asks for. */
  readonly wantName: (match: CgroupMatch) => void;
  readonly forgetName: (match: CgroupMatch) => void;
}

/** What retention needs. */
export interface RetentionOptions {
  readonly records: ContainerRecords;
  readonly totals: KillTotals;
  readonly names: RecordNames;
  /** Is called with each record that is dropped. It must count all kills of the record as events. */
  readonly drop: (record: ContainerRecord) => void;
  /** Whether a removed container without kills can still turn out to have had one. */
  readonly isWaitingFor: (record: ContainerRecord) => boolean;
  /** How long the kills of a container stay exported after its end, in seconds. */
  readonly retention: number;
}

/**
 * How many removed containers with kills have a record of their own. Beyond that the oldest are archived early. Their kills
 * stay exported, but a late report of another kill would start a new record.
 */
const MAX_REMOVED = 1_000;

/** Labels records, and decides how long the kills of removed containers stay exported. All times are by the steady clock. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #records: ContainerRecords;
  readonly #totals: KillTotals;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#records = options.records;
    this.#totals = options.totals;
  }

  /** The kills of all containers, including ones no longer exported. */
  get kills(): number {
    let kills = this.#totals.expiredKills;
    for (const total of this.#totals.archived) kills += total.kills;
    for (const record of this.#records.all()) kills += record.kills;
    return kills;
  }

  /** The part of {@link kills} that has no labels yet. */
  get unnamedKills(): number {
    let kills = 0;
    for (const record of this.#records.all()) if (record.named === undefined) kills += record.kills;
    return kills;
  }

  /** Prepares for a container that discovery has found. Call it before the record becomes that of a live container. */
  appearing({ path, match }: ContainerCgroup): void {
    const kept = this.#records.at(path);
    if (kept?.nameRequestedAt === undefined || !this.#records.isRemoved(kept)) return;
    // The path alone may have suggested another engine. From now on, ask the engine that discovery has found.
    if (kept.match.engine !== match.engine) this.#options.names.forgetName(kept.match);
    kept.nameRequestedAt = undefined;
  }

  /** Asks for the name of a container that was just removed: its engine may forget it in a moment. */
  removed(record: ContainerRecord): void {
    if (record.kills > 0 && record.named?.named !== true) this.#requestName(record, record.removedAt);
  }

  /** Labels a live container. */
  name(cgroup: ContainerCgroup, named: NamedLabels): void {
    const record = this.#records.of(cgroup);
    if (record !== undefined && record.named?.labels !== named.labels) this.#totals.add(record, named);
  }

  /** Stops exporting live containers without kills that are hidden, or have become hidden, such as a pause container. */
  showOnly(shown: ReadonlySet<ContainerCgroup>): void {
    for (const [cgroup, record] of this.#records.liveByCgroup) {
      if (record.named !== undefined && record.kills === 0 && !shown.has(cgroup)) this.#totals.remove(record);
    }
  }

  /** Asks for missing names, applies the names that have arrived, and archives the records of containers that are long gone. */
  update(now: number): void {
    this.#nameLive();
    const killed: ContainerRecord[] = [];
    for (const record of this.#records.removed) {
      if (record.kills > 0) killed.push(record);
      else if (!this.#options.isWaitingFor(record)) this.#archive(record);
    }
    killed.sort((a, b) => (a.removedAt ?? 0) - (b.removedAt ?? 0));
    killed.forEach((record, index) => {
      const age = now - (record.removedAt ?? now);
      const isOld = age > this.#options.retention || killed.length - index > MAX_REMOVED;
      if (isOld) this.#archive(record);
      else if (record.named?.named !== true) this.#nameRemoved(record, now);
    });
    this.#totals.expireBefore(now - this.#options.retention);
  }

  /** See {@link KillTotals.counts}. */
  counts(complete: 'kmsg' | 'counters'): OomAccount[] {
    return this.#totals.counts(complete);
  }

  /** Takes over the records of an earlier run. They count as removed until their containers appear. */
  restore(saved: readonly SavedRecord[], now: number): void {
    for (const record of saved.toSorted(byBeginning)) this.#restore(record, now);
  }

  #restore(saved: SavedRecord, now: number): void {
    const { match, path, inode, removedAt = now } = saved;
    const record = this.#records.addRemoved({ match, path, inode, removedAt });
    const { kills, archivedInnerKills, lastKill, named } = saved;
    Object.assign(record, { kills, archivedInnerKills, lastKill });
    record.sources.restore(saved.sources, now);
    record.events.restore(saved.events);
    record.loggedWithoutReport = record.events.releasedKills;
    if (named !== undefined) this.#totals.add(record, named);
    if (named?.named !== true) this.#requestName(record, now);
  }

  /** A scrape names all live containers. Those with kills get their names earlier, for the log. */
  #nameLive(): void {
    for (const [{ seenAt }, record] of this.#records.liveByCgroup) {
      if (record.kills === 0 || record.named?.named === true) continue;
      const named = this.#options.names.labelsOf(record.match, performance.now() - seenAt);
      if (named !== undefined && (named.named || record.named === undefined)) this.#totals.add(record, named);
    }
  }

  /** Waits for the name even if the kill is old: it arrives some time after the request. */
  #nameRemoved(record: ContainerRecord, now: number): void {
    if (record.nameRequestedAt === undefined) this.#requestName(record, now);
    const waited = now - (record.nameRequestedAt ?? now);
    const named = this.#options.names.labelsOf(record.match, waited * 1000);
    if (named !== undefined) this.#totals.add(record, named);
    if (named?.named === true) this.#options.names.forgetName(record.match);
  }

  #requestName(record: ContainerRecord, now: number | undefined): void {
    record.nameRequestedAt = now;
    this.#options.names.wantName(record.match);
  }

  #archive(record: ContainerRecord): void {
    if (record.kills > 0 && record.named === undefined) this.#nameRemoved(record, Infinity);
    if (record.nameRequestedAt !== undefined && record.named?.named !== true)
      this.#options.names.forgetName(record.match);
    this.#options.drop(record);
    this.#totals.archive(record);
  }
}

/** Sorts outer containers before inner ones. At the same path the latest comes last, because it may still be alive. */
function byBeginning(a: SavedRecord, b: SavedRecord): number {
  if (a.path.length !== b.path.length) return a.path.length - b.path.length;
  return (a.removedAt ?? Number.MAX_VALUE) - (b.removedAt ?? Number.MAX_VALUE);
}
