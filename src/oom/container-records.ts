import type { ContainerCgroup } from '../container.ts';
import { type ContainerRecord, createRecord } from './container-record.ts';
import { parentOf } from '../kernel/paths.ts';

/** Records of live containers, and of removed ones whose kills are still exported. */
export class ContainerRecords {
  readonly #live = new Map<ContainerCgroup, ContainerRecord>();
  readonly #removed = new Set<ContainerRecord>();
  /** The latest record at each path. */
  readonly #byPath = new Map<string, ContainerRecord>();
  /** How many records are below each path. */
  readonly #below = new Map<string, number>();

  get live(): Iterable<ContainerRecord> {
    return this.#live.values();
  }

  get liveByCgroup(): Iterable<readonly [ContainerCgroup, ContainerRecord]> {
    return this.#live;
  }

  get removed(): Iterable<ContainerRecord> {
    return this.#removed;
  }

  /** Includes live and removed containers. */
  all(): ContainerRecord[] {
    return [...this.#live.values(), ...this.#removed];
  }

  /** The record of a live container. */
  of(cgroup: ContainerCgroup): ContainerRecord | undefined {
    return this.#live.get(cgroup);
  }

  /** The latest record at exactly this path. */
  at(path: string): ContainerRecord | undefined {
    return this.#byPath.get(path);
  }

  /** All records at exactly this path, the latest last. */
  allAt(path: string): ContainerRecord[] {
    return this.all()
      .filter((record) => record.path === path)
      .toSorted(byEnd);
  }

  /** The record of the innermost container that a cgroup is, or is inside of. */
  innermostAt(cgroup: string): ContainerRecord | undefined {
    for (let path = cgroup; path !== ''; path = parentOf(path)) {
      const record = this.#byPath.get(path);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  isRemoved(record: ContainerRecord): boolean {
    return this.#removed.has(record);
  }

  /** Adds a live container. */
  add(cgroup: ContainerCgroup): void {
    const { path, inode, match } = cgroup;
    this.#live.set(cgroup, this.#create({ path, inode, match, removedAt: undefined }));
  }

  /** Adds a container that discovery has not seen alive so far. */
  addRemoved(facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'removedAt'>): ContainerRecord {
    const record = this.#create(facts);
    this.#removed.add(record);
    return record;
  }

  /** Adds a container that was removed before the latest one at its path appeared, and whose record was dropped. */
  addEarlier(facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'removedAt'>): ContainerRecord {
    const latest = this.#byPath.get(facts.path);
    const record = this.addRemoved(facts);
    if (latest !== undefined) this.#byPath.set(facts.path, latest);
    return record;
  }

  /** Turns the record of a removed container into that of a live one. */
  revive(record: ContainerRecord, cgroup: ContainerCgroup): void {
    const { inode, match } = cgroup;
    this.#removed.delete(record);
    Object.assign(record, { inode, match, removedAt: undefined });
    this.#live.set(cgroup, record);
  }

  /** Marks a live container as removed at a time by the steady clock. Returns its record. */
  remove(cgroup: ContainerCgroup, removedAt: number): ContainerRecord | undefined {
    const record = this.#live.get(cgroup);
    if (record === undefined) return undefined;
    this.#live.delete(cgroup);
    record.removedAt = removedAt;
    this.#removed.add(record);
    return record;
  }

  /** Drops the record of a removed container. The record around it keeps the sum of its kills. */
  drop(record: ContainerRecord): void {
    this.#removed.delete(record);
    if (this.#byPath.get(record.path) === record) this.#byPath.delete(record.path);
    this.#noteBelow(record.path, -1);
    const { outer, inner } = record;
    for (const each of inner) {
      each.outer = outer;
      outer?.inner.add(each);
    }
    if (outer === undefined) return;
    outer.inner.delete(record);
    outer.archivedInnerKills += record.kills;
  }

  #create(facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'removedAt'>): ContainerRecord {
    const outer = this.innermostAt(parentOf(facts.path));
    const record = createRecord({ ...facts, outer });
    this.#adoptInner(record);
    this.#byPath.set(facts.path, record);
    this.#noteBelow(facts.path, 1);
    return record;
  }

  /** The kernel's log can name a container before discovery has found the one around it, whose counter includes the kill. */
  #adoptInner(record: ContainerRecord): void {
    if (!this.#below.has(record.path)) return;
    for (const inner of this.all()) {
      if (inner.outer !== record.outer || !inner.path.startsWith(`${record.path}/`)) continue;
      inner.outer?.inner.delete(inner);
      inner.outer = record;
      record.inner.add(inner);
    }
  }

  #noteBelow(path: string, change: 1 | -1): void {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      const count = (this.#below.get(above) ?? 0) + change;
      if (count > 0) this.#below.set(above, count);
      else this.#below.delete(above);
    }
  }
}

function byEnd(a: ContainerRecord, b: ContainerRecord): number {
  return (a.removedAt ?? Number.MAX_VALUE) - (b.removedAt ?? Number.MAX_VALUE);
}
