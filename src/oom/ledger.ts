import type { CgroupMatch, ContainerCgroup, OomAccount } from '../container.ts';
import { KillTotals, notAfter } from './kill-totals.ts';
import {
  type CounterScope,
  countsOf,
  foldGone,
  type ContainerRecord,
  type NamedLabels,
  settle,
  type ToldKill,
} from './container-record.ts';
import { isComplete, type Reading } from './counters.ts';
import { ContainerRecords } from './container-records.ts';
import { ParentCounterDelta } from './parent-counter-delta.ts';
import type { SavedRecord } from './state.ts';

/** What the ledger asks of others. */
export interface LedgerOptions {
  readonly counters: CounterScope;
  /** What a cgroup is, or is inside of, by its path alone; `undefined` if it is no container's for sure. */
  readonly identify: (path: string) => (CgroupMatch & { readonly cgroup: string }) | undefined;
  /** The labels of a container that is gone; `undefined` while its name may still come. */
  readonly labelsOf: (match: CgroupMatch, waitedMs: number) => NamedLabels | undefined;
  /** Asks the engine for the name of a container that nobody else asks about any more. */
  readonly wantName: (match: CgroupMatch) => void;
  readonly forgetName: (match: CgroupMatch) => void;
  /** The inode of the cgroup that is at a path now; `undefined` if there is none. */
  readonly inodeOf: (path: string) => number | undefined;
  /** How long the kills of a container are told of after its end, in seconds. */
  readonly retention: number;
}

/** So many containers that are gone and had kills are kept; of more, the oldest are forgotten. */
const MOST_GONE = 1_000;

/**
 * Who was killed how often: the kernel's counters and its log, brought together so that each kill counts once, whichever
 * of them tell it. It reads nothing itself. Kills are kept by labels, and longer than the container. All times are in
 * seconds since the epoch.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #accounts = new KillTotals();
  /** Of those that are gone only such as had kills, and others until the next {@link tidy}. */
  readonly #lives = new ContainerRecords();
  readonly #parentDelta = new ParentCounterDelta();
  /** Something was taken in and does not count yet. */
  #unsettled = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  get accounts(): KillTotals {
    return this.#accounts;
  }

  get living(): Iterable<ContainerRecord> {
    return this.#lives.living;
  }

  livesOf(cgroups: Iterable<ContainerCgroup>): ContainerRecord[] {
    return [...cgroups].flatMap((cgroup) => this.#lives.of(cgroup) ?? []);
  }

  /** Whether a container is at exactly this path. */
  isContainer(path: string): boolean {
    return this.#lives.at(path) !== undefined;
  }

  /** Whether another cgroup is at its path by now. */
  isReplaced({ path, inode }: ContainerRecord): boolean {
    return (this.#options.inodeOf(path) ?? inode) !== inode;
  }

  /** Living and gone. */
  lives(): ContainerRecord[] {
    return this.#lives.all();
  }

  /** All kills that were some container's. */
  get total(): number {
    let total = this.#accounts.expired;
    for (const { retired } of this.#accounts.retired) total += retired;
    for (const { kills } of this.lives()) total += kills;
    return total;
  }

  /** Of these, the kills of containers whose labels are still to come. */
  get unnamed(): number {
    return this.lives().reduce((sum, { kills, named }) => sum + (named === undefined ? kills : 0), 0);
  }

  /** A container has appeared. */
  appeared(cgroup: ContainerCgroup): void {
    const kept = this.#lives.at(cgroup.path);
    // Known from an earlier run of the exporter, or told of before it was seen.
    const isSame = kept !== undefined && (kept.inode ?? cgroup.inode) === cgroup.inode && this.#lives.isGone(kept);
    if (!isSame) return this.#lives.begin(cgroup);
    if (kept.inode === undefined) {
      // By its path alone it may have passed for another engine's.
      this.#accounts.withdraw(kept);
      this.#options.forgetName(kept.match);
    }
    this.#lives.resume(kept, cgroup);
  }

  /** A container is gone. What was told until then must have been taken in. */
  removed(cgroup: ContainerCgroup, now: number): void {
    const life = this.#lives.end(cgroup, now);
    if (life === undefined) return;
    settle(life, this.#options.counters, now);
    this.#parentDelta.departed(life);
    if (life.kills > 0 && life.named?.named !== true) this.#options.wantName(life.match);
  }

  /** Gives a container that lives its labels. */
  name(cgroup: ContainerCgroup, named: NamedLabels): void {
    const life = this.#lives.of(cgroup);
    if (life !== undefined && life.named?.labels !== named.labels) this.#accounts.enter(life, named);
  }

  /** Takes in a kill that the kernel's log tells of. Those in no container are passed over. */
  told(kill: ToldKill): void {
    const { cgroup, at } = kill;
    if (cgroup === undefined) return;
    const life = this.#killedIn(cgroup, at);
    if (life === undefined) return;
    // Told after its end, which asked for no name as there was nothing to tell.
    if (life.goneAt !== undefined && life.named?.named !== true) this.#options.wantName(life.match);
    // A counter that holds for all below has one place for all that is told of below.
    this.#unsettled = true;
    countsOf(life, this.#options.counters === 'own' ? cgroup : life.path).told += 1;
    life.unlogged.push(kill);
    life.lastKill = Math.max(life.lastKill ?? 0, at);
  }

  /** Takes in what the counter of a container said, by cgroup, or why it could not be read. */
  counted(life: ContainerRecord, reading: Reading): void {
    life.error = reading instanceof Error ? reading : undefined;
    if (reading === undefined || reading instanceof Error) return;
    life.counted = true;
    this.#unsettled = true;
    if (reading.has(life.path) && isComplete(reading)) foldGone(life, (cgroup) => reading.has(cgroup));
    for (const [path, kills] of reading) {
      // Of the many cgroups in a container few ever have a kill.
      if (kills === 0) continue;
      const counts = countsOf(life, path);
      counts.kernel = Math.max(counts.kernel, kills);
    }
  }

  /**
   * Makes all that was taken in count. The counters must have been read between two moments at which the host had the
   * same number of kills: of a kill in between, one counter would know and the next one not.
   *
   * @param at when kills may have happened that only counters know of; `undefined`: nobody knows.
   */
  settle(at: number | undefined): void {
    if (!this.#unsettled) return;
    this.#unsettled = false;
    // Those inside first: what they got is not their outer one's.
    for (const life of this.lives().toSorted((a, b) => b.path.length - a.path.length)) {
      settle(life, this.#options.counters, at);
    }
  }

  /** The cgroups above containers whose counters can tell of a kill that nothing else has told of. */
  parents(): ReadonlySet<string> {
    return this.#parentDelta.parents(this.#lives.living);
  }

  /**
   * Takes in the counters of {@link parents}, read in the same moment as the others, after those are settled.
   *
   * @param childrenOf the cgroups in a cgroup; one that cannot be looked into may hold anything.
   */
  settleParents(
    counts: ReadonlyMap<string, number>,
    childrenOf: (path: string) => readonly string[] | Error,
    at: number,
  ): void {
    const holdsOthers = (path: string): boolean => {
      const children = childrenOf(path);
      return children instanceof Error || children.some((child) => !this.isContainer(child));
    };
    for (const [life, kills] of this.#parentDelta.settle(counts, this.lives(), holdsOthers)) {
      countsOf(life, life.path).told += kills;
      settle(life, this.#options.counters, at);
      life.lastKill = at;
      if (life.named?.named !== true) this.#options.wantName(life.match);
    }
  }

  /** Takes over names that have come, and forgets what has been told of for long enough. */
  tidy(now: number): void {
    this.#clampToNow(now);
    const gone = [...this.#lives.gone].toSorted((a, b) => (a.goneAt ?? 0) - (b.goneAt ?? 0));
    gone.forEach((life, index) => {
      const age = now - (life.goneAt ?? now);
      if (life.kills === 0 || age > this.#options.retention || gone.length - index > MOST_GONE) this.#forget(life);
      else if (life.named?.named !== true) this.#nameGone(life, age);
    });
    this.#accounts.expireBefore(now - this.#options.retention);
  }

  /** What there is to tell, by labels. */
  counts(sees: 'all' | 'counters'): OomAccount[] {
    return this.#accounts.counts(sees);
  }

  /** Takes in what an earlier run of the exporter knew of containers, as of some that are gone unless they appear. */
  restore(lives: readonly SavedRecord[], now: number): void {
    for (const life of lives.toSorted(byBeginning)) this.#restore(life, now);
  }

  #restore(saved: SavedRecord, now: number): void {
    const life = this.#lives.addRemoved({ ...saved, goneAt: saved.goneAt ?? now });
    for (const [cgroup, kernel, told] of saved.counts) Object.assign(countsOf(life, cgroup), { kernel, told });
    const { kills, innerForgotten, past, lastKill, named } = saved;
    Object.assign(life, { kills, innerForgotten, past, lastKill, logged: kills });
    if (named !== undefined) this.#accounts.enter(life, named);
    if (named?.named !== true) this.#options.wantName(life.match);
  }

  /** The innermost container that a cgroup is, or is inside of; it may have come and gone unseen, or before this daemon. */
  #killedIn(cgroup: string, at: number): ContainerRecord | undefined {
    const known = this.#lives.innermostAt(cgroup);
    const match = this.#options.identify(cgroup);
    if (match === undefined || match.infra || match.cgroup.length <= (known?.path.length ?? 0)) {
      return known === undefined ? undefined : this.#renewed(known, at);
    }
    const life = this.#lives.addRemoved({ match, path: match.cgroup, inode: undefined, goneAt: at });
    this.#options.wantName(match);
    return life;
  }

  /** Itself, or the container that has taken its path and is still to appear. */
  #renewed(life: ContainerRecord, at: number): ContainerRecord {
    const inode = life.inode === undefined ? undefined : this.#options.inodeOf(life.path);
    if (inode === undefined || inode === life.inode) return life;
    const next = this.#lives.addRemoved({ match: life.match, path: life.path, inode, goneAt: at });
    this.#options.wantName(next.match);
    return next;
  }

  /** A clock that was ahead, and is set back, must not leave a last kill in the future. */
  #clampToNow(now: number): void {
    for (const life of this.lives()) {
      life.lastKill = notAfter(now, life.lastKill);
      life.goneAt = notAfter(now, life.goneAt);
    }
    this.#accounts.clampToNow(now);
  }

  #nameGone(life: ContainerRecord, age: number): void {
    const named = this.#options.labelsOf(life.match, age * 1000);
    if (named !== undefined) this.#accounts.enter(life, named);
    if (named?.named === true) this.#options.forgetName(life.match);
  }

  #forget(life: ContainerRecord): void {
    if (life.named?.named !== true) this.#options.forgetName(life.match);
    this.#lives.forget(life);
    this.#parentDelta.forget(life);
    this.#accounts.retire(life);
  }
}

/** Outer ones before those inside, and of those that had one path the latest last: it may still live. */
function byBeginning(a: SavedRecord, b: SavedRecord): number {
  if (a.path.length !== b.path.length) return a.path.length - b.path.length;
  return (a.goneAt ?? Number.MAX_VALUE) - (b.goneAt ?? Number.MAX_VALUE);
}
