import { type Labels, makerOf, type OomAccount } from '../container.ts';
import { Makers } from '../makers.ts';
import type { ContainerRecord, NamedLabels } from './container-record.ts';

/** All records with the same labels: a container that is killed and started again continues its series. */
interface Total {
  readonly labels: Labels;
  /** Who made the last container. If the host's root made any, it keeps them. */
  maker: string;
  readonly records: Set<ContainerRecord>;
  /** Kills of records that were dropped, and their events. */
  kills: number;
  events: number;
  /** The time of the last of these kills, by the steady clock. */
  lastKill: number | undefined;
  /** When the last container whose kills are archived was removed, by the steady clock; `undefined`: long ago. */
  removedAt: number | undefined;
}

/** The part of a total that the state file keeps. */
export type ArchivedKills = Pick<Total, 'labels' | 'maker' | 'kills' | 'events' | 'lastKill' | 'removedAt'>;

/** How many sets of labels are kept for containers that are gone. Beyond that the oldest of whoever made most expire early. */
export const MAX_ARCHIVED = 10_000;

/** Earlier than any time. A finite number, so that differences are numbers too. */
const LONG_AGO = -Number.MAX_VALUE;

/** Kills by labels, which outlive the records of containers. */
export class KillTotals {
  readonly #totals = new Map<string, Total>();
  #expiredKills = 0;

  /** Adds a record to the total of its labels, and removes it from the total of its earlier labels. */
  add(record: ContainerRecord, named: NamedLabels): void {
    if (record.named !== undefined && keyOf(record.named.labels) !== keyOf(named.labels)) this.#detach(record);
    record.named = named;
    this.#totalOf(named.labels, makerOf(record.match)).records.add(record);
  }

  /** Takes a record out of the total of its labels. */
  remove(record: ContainerRecord): void {
    this.#detach(record);
    record.named = undefined;
  }

  /** Adds the kills of a record that is about to be dropped. They stay exported until {@link expireBefore}. */
  archive(record: ContainerRecord): void {
    const total = record.named && this.#totals.get(keyOf(record.named.labels));
    if (total === undefined) {
      this.#expiredKills += record.kills;
      return;
    }
    if (record.kills > 0) {
      total.kills += record.kills;
      total.events += record.events.total;
      total.lastKill = latest(total.lastKill, record.lastKill);
      total.removedAt = latest(total.removedAt, record.removedAt);
    }
    this.#detach(record);
  }

  /** Restores the totals of an earlier run. */
  restore(expiredKills: number, totals: readonly ArchivedKills[]): void {
    this.#expiredKills += expiredKills;
    for (const { labels, maker, kills, events, lastKill, removedAt } of totals) {
      const total = this.#totalOf(labels, maker);
      total.kills += kills;
      total.events += events;
      total.lastKill = latest(total.lastKill, lastKill);
      total.removedAt = latest(total.removedAt, removedAt);
    }
  }

  /**
   * Drops the totals whose containers were all removed before a time by the steady clock. If there are too many totals
   * without a container, drops some of these too.
   */
  expireBefore(time: number): void {
    const idle = [...this.#totals.values()].filter(({ records }) => records.size === 0);
    const left = idle.filter((total) => {
      const isOld = (latest(total.removedAt, total.lastKill) ?? LONG_AGO) < time;
      if (isOld) this.#expire(total);
      return !isOld;
    });
    if (left.length <= MAX_ARCHIVED) return;
    const oldestFirst = left.toSorted((a, b) => (a.removedAt ?? LONG_AGO) - (b.removedAt ?? LONG_AGO));
    const makers = new Makers<Total>();
    for (const total of oldestFirst) makers.add(total, total.maker);
    for (let total = makers.first(); total !== undefined && makers.size > MAX_ARCHIVED; total = makers.first()) {
      makers.delete(total);
      this.#expire(total);
    }
  }

  /** Kills under labels that are no longer exported. */
  get expiredKills(): number {
    return this.#expiredKills;
  }

  /** The kills and events of records that were dropped. */
  get archived(): readonly ArchivedKills[] {
    return [...this.#totals.values()].filter(({ kills, lastKill }) => kills > 0 || lastKill !== undefined);
  }

  /**
   * The kills by labels.
   *
   * @param complete `kmsg`: the kernel's log is complete, so a container with a memory cgroup, but without a counter and without
   *   reports has had 0 kills. `counters`: without a counter its kills are unknown.
   */
  counts(complete: 'kmsg' | 'counters'): OomAccount[] {
    return [...this.#totals.values()].map((total) => countOf(total, complete));
  }

  #detach(record: ContainerRecord): void {
    const total = record.named && this.#totals.get(keyOf(record.named.labels));
    total?.records.delete(record);
    // Without kills there is nothing to keep.
    if (total?.records.size === 0 && total.kills === 0 && total.lastKill === undefined) this.#expire(total);
  }

  #expire(total: Total): void {
    this.#expiredKills += total.kills;
    this.#totals.delete(keyOf(total.labels));
  }

  #totalOf(labels: Labels, maker: string): Total {
    const key = keyOf(labels);
    let total = this.#totals.get(key);
    if (total === undefined) {
      total = { labels, maker, records: new Set(), kills: 0, events: 0, lastKill: undefined, removedAt: undefined };
      this.#totals.set(key, total);
    }
    if (total.maker !== '') total.maker = maker;
    return total;
  }
}

function countOf(total: Total, complete: 'kmsg' | 'counters'): OomAccount {
  let { kills, events, lastKill } = total;
  let known = kills > 0 || (complete === 'kmsg' && total.records.size === 0);
  let error: Error | undefined;
  for (const record of total.records) {
    kills += record.kills;
    events += record.events.total;
    known ||= record.kills > 0 || canTell(record, complete);
    error ??= record.error;
    lastKill = latest(lastKill, record.lastKill);
  }
  const { labels } = total;
  return { labels, kills: known ? kills : undefined, events: known ? events : undefined, lastKill, error };
}

function canTell({ memoryCgroup }: ContainerRecord, complete: 'kmsg' | 'counters'): boolean {
  return memoryCgroup === 'counted' || (memoryCgroup === 'uncounted' && complete === 'kmsg');
}

function keyOf({ engine, namespace, pod, container }: Labels): string {
  return JSON.stringify([engine, namespace, pod, container]);
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
