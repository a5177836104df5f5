import type { ContainerCgroup, OomCounts } from '../container.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import { Attribution, type AttributionOptions } from './attribution.ts';
import { type ContainerRecord, type CounterScope, groupKills, type NamedLabels } from './container-record.ts';
import { ContainerProcesses } from './container-processes.ts';
import { ContainerRecords } from './container-records.ts';
import { CounterSnapshots, inodeOf } from './counter-snapshots.ts';
import { findCounters } from './counters.ts';
import type { KillReports } from './event-count.ts';
import type { KernelLog } from './kernel-log.ts';
import { KillLog } from './kill-log.ts';
import { KillTotals } from './kill-totals.ts';
import { MemoryPlaces } from './memory-places.ts';
import { OomBurst, restMs } from './oom-burst.ts';
import { processReader } from './process-reader.ts';
import { type RecordNames, Retention } from './retention.ts';
import type { SteadyClock } from '../kernel/steady-clock.ts';
import { SourceReader } from './source-reader.ts';
import { findUnattributable } from './unattributable.ts';
import { UnattributedKills } from './unattributed-kills.ts';
import { YoungContainers } from './young-containers.ts';

/**
 * How long to read the kernel's log at a time, in ms. A full report has about a hundred records, and a container that starts meanwhile
 * may be gone before it is noticed.
 */
const LOG_SLICE_MS = 5;

/** How often to read the kernel's log without a new kill, in ms, so that the kernel does not overwrite records before they are read. */
const READ_LOG_EVERY_MS = 1_000;

/** What a tracker needs. */
export interface KillTrackerOptions extends Pick<AttributionOptions, 'identify' | 'afterEvents' | 'certainSince'> {
  readonly kernel: KernelFiles;
  readonly names: RecordNames;
  /** In ms. */
  readonly retention: number;
  readonly clock: SteadyClock;
  readonly log: Log;
}

/** The kills found so far. All counts are from the same moment, so they add up. */
type KillCountsNow = Omit<OomCounts, 'lostRecords'>;

/**
 * Moves kills from the sources to the records of containers. The steps run in this order: the kernel's log, the counters,
 * attribution, retention, the exporter's own log.
 */
export class KillTracker implements Disposable {
  readonly records = new ContainerRecords();
  readonly totals = new KillTotals();
  readonly retention: Retention;
  readonly #places: MemoryPlaces;
  readonly #clock: SteadyClock;
  readonly #scope: CounterScope;
  readonly #snapshots: CounterSnapshots;
  readonly #attribution: Attribution;
  readonly #killLog: KillLog;
  readonly #processes: ContainerProcesses;
  readonly #young = new YoungContainers();
  readonly #unattributed = new UnattributedKills();
  readonly #burst = new OomBurst();
  readonly #reader: SourceReader;
  /** Records with kills that are not all counted as events, named and logged yet. */
  readonly #open = new Set<ContainerRecord>();
  #unattributedChanges = false;
  /** Kills since the last snapshot that the burst detection already includes. */
  #notedKills = 0;
  #nextUpdateAt = 0;

  constructor(options: KillTrackerOptions) {
    const { kernel, log, identify, names, clock, afterEvents, certainSince } = options;
    this.#clock = clock;
    const { records, totals } = this;
    this.#places = new MemoryPlaces(kernel, (path) => identify(path)?.cgroup);
    const counters = findCounters(kernel, this.#places);
    this.#scope = counters?.scope ?? 'own';
    const isContainer = (path: string): boolean => {
      const found = identify(path);
      return found?.cgroup === path && !found.infra;
    };
    this.#snapshots = new CounterSnapshots({ kernel, counters, records, isContainer, log });
    this.#attribution = new Attribution({
      records,
      counters: this.#scope,
      identify,
      discoveryPathOf: (logged) => this.#places.discoveryPathOf(logged),
      inodeOf: (path) => inodeOf(kernel, path),
      noticedAt: ({ seenAt }) => clock.now() - (performance.now() - seenAt) / 1000,
      afterEvents,
      certainSince,
    });
    this.retention = new Retention({
      records,
      totals,
      names,
      isWaitingFor: (record) => this.#attribution.isWaitingFor(record),
      drop: (record) => {
        this.#attribution.drop(record);
        this.#open.delete(record);
      },
      retention: options.retention / 1000,
    });
    this.#killLog = new KillLog({ log, scope: this.#scope, clock });
    this.#processes = new ContainerProcesses(processReader(kernel, counters, records), () => this.hasMore);
    this.#reader = new SourceReader({
      snapshots: this.#snapshots,
      attribution: this.#attribution,
      processes: this.#processes,
      places: this.#places,
      inodeOf: (path) => inodeOf(kernel, path),
      clock,
    });
  }

  /** Starts reading kills from the kernel's log. */
  follow(kernelLog: KernelLog): void {
    this.#reader.follow(kernelLog);
  }

  /** The records of an earlier run were restored. */
  restored(): void {
    this.#attribution.restored();
  }

  /** Whether the last read of the host's total succeeded. */
  get up(): boolean {
    return this.#snapshots.up;
  }

  /** See {@link findUnattributable}. */
  get unattributable(): string | undefined {
    return findUnattributable(this.records);
  }

  /** Whether a container is inside another one that exists. */
  isNested(cgroup: ContainerCgroup): boolean {
    const outer = this.records.of(cgroup)?.outer;
    return outer !== undefined && !this.records.isRemoved(outer);
  }

  /** Whether kills come so fast that the kernel's log omits their cgroups. */
  get isBurst(): boolean {
    return this.#burst.isActive(performance.now());
  }

  /** Whether a container has just appeared, so that it may be gone in a moment. */
  get hasYoung(): boolean {
    return this.#young.hasAny(performance.now());
  }

  /** Whether the next {@link updateIfChanged} has something to do even if there are no new kills. */
  get isUnsettled(): boolean {
    // With the kernel's log it can wait until the next kill: looking often costs time that new containers need in a storm.
    const { above } = this.#attribution;
    const isWaiting = above.isConfirmed || (above.isWaiting && !this.#reader.isLogUp);
    return this.#open.size > 0 || this.#unattributedChanges || this.#reader.hasNews || isWaiting || this.hasMore;
  }

  /** Whether a part of the kernel's log has not been read yet. */
  get hasMore(): boolean {
    return this.#reader.hasMore;
  }

  /**
   * Adds a container that discovery has found.
   *
   * @param when `found`: the container existed before the daemon.
   */
  appeared(cgroup: ContainerCgroup, when: 'found' | 'started'): void {
    this.#places.add(cgroup.path);
    this.retention.appearing(cgroup);
    this.#attribution.appeared(cgroup, when);
    this.#snapshots.appeared(cgroup);
    if (when === 'started') this.#reader.beginAbove(cgroup);
    this.#processes.appeared(cgroup, when);
    this.#young.add(cgroup);
  }

  /** Marks a container as removed. */
  removed(cgroup: ContainerCgroup): void {
    // The container's counter is gone, but the kernel's log has its last kill by now. In a burst polls read it all the time.
    const isLogRead = !this.isBurst;
    if (isLogRead) this.#reader.readLog(LOG_SLICE_MS);
    const record = this.#attribution.removed(cgroup, this.#clock.now(), !isLogRead || this.#reader.isLogUnread);
    if (record !== undefined) this.retention.removed(record);
    this.#snapshots.removed(cgroup);
    this.#processes.removed(cgroup);
    this.#young.remove(cgroup);
    this.#places.remove(cgroup.path);
  }

  /** A container has come and gone that discovery saw only by the events of its cgroup. */
  unseen(path: string): void {
    this.#attribution.above.noteUnseen(path);
  }

  /** Sets the labels of a live container. */
  name(cgroup: ContainerCgroup, named: NamedLabels): void {
    this.retention.name(cgroup, named);
  }

  /** Sets which live containers are exported. */
  showOnly(shown: ReadonlySet<ContainerCgroup>): void {
    this.retention.showOnly(shown);
  }

  /**
   * Reads what the sources have reported so far.
   *
   * @param logMs stop reading the kernel's log after this time. Then {@link hasMore} is true.
   */
  update(logMs = Infinity): void {
    const start = performance.now();
    const isTaken = this.#reader.take(logMs);
    const isConsistent = isTaken && !this.hasMore;
    this.#notedKills = this.#snapshots.readNewKills();
    for (const record of this.#attribution.takeChanged()) this.#open.add(record);
    this.retention.update(this.#clock.now());
    const excess = Math.max(0, (this.#snapshots.hostKills ?? 0) - this.retention.kills);
    if (isConsistent) this.#unattributed.note(excess, performance.now());
    this.#unattributedChanges = excess !== this.#unattributed.lasting;
    for (const record of this.#open) this.#finish(record);
    const end = performance.now();
    this.#nextUpdateAt = end + restMs(end - start, isTaken);
  }

  /**
   * Updates only if something has changed; otherwise the call costs almost nothing. In a burst it pauses between
   * updates, and only inspects containers that may be gone by the next update.
   *
   * @returns `postponed`: something has changed, and the records do not include it yet.
   */
  updateIfChanged(): 'unchanged' | 'updated' | 'postponed' {
    // Done before reading the log, so that the processes in its reports are already known.
    if (this.isBurst) this.#processes.look(this.#young.list(performance.now()));
    // Without a new kill there is nothing new in the log. Most polls end here, and a read at the end of the log is an exception.
    if (this.#hasNothingToRead()) return 'unchanged';
    this.#reader.readLog(LOG_SLICE_MS);
    const newKills = this.#snapshots.readNewKills();
    const time = performance.now();
    if (this.#burst.note(newKills - this.#notedKills, time) === 'began') this.#processes.beginBurst();
    this.#notedKills = newKills;
    if (newKills === 0 && !this.isUnsettled) return 'unchanged';
    if (time >= this.#nextUpdateAt) {
      this.update(LOG_SLICE_MS);
      return 'updated';
    }
    const young = this.#young.list(time).flatMap((cgroup) => this.records.of(cgroup) ?? []);
    for (const reading of this.#snapshots.read(young)) this.#attribution.fromCounter(reading, this.#clock.now());
    return 'postponed';
  }

  /** All counts are from the same moment. Kills that are not settled yet are left out. */
  counts(): KillCountsNow {
    const { kills, unnamedKills } = this.retention;
    const isKnown = this.#snapshots.up && this.#snapshots.hostKills !== undefined;
    const lasting = this.#unattributed.lasting;
    const toWall = this.#clock.toWall();
    return {
      accounts: this.retention
        .counts(this.#reader.isLogUp ? 'kmsg' : 'counters')
        .map((account) =>
          account.lastKill === undefined ? account : { ...account, lastKill: toWall(account.lastKill) },
        ),
      host: isKnown ? kills - unnamedKills + lasting : undefined,
      unattributed: isKnown ? lasting : undefined,
      expired: isKnown ? this.totals.expiredKills : undefined,
    };
  }

  [Symbol.dispose](): void {
    this.#processes[Symbol.dispose]();
    this.#snapshots[Symbol.dispose]();
  }

  #hasNothingToRead(): boolean {
    if (this.isBurst || this.isUnsettled || performance.now() - this.#reader.logReadAt >= READ_LOG_EVERY_MS)
      return false;
    return this.#snapshots.readNewKills() === 0 && this.#snapshots.up;
  }

  /** Counts the kills of a record as events if they have waited long enough, and logs them. */
  #finish(record: ContainerRecord): void {
    const time = performance.now();
    // A kill whose report has just come, and that is not settled yet, would be released as a second event.
    if (this.#attribution.isSettled(record)) {
      record.events.release(time, this.#expectedReports, groupKills(record, this.#scope));
    }
    if (!this.#killLog.write(record, time)) this.#open.delete(record);
  }

  /** The sources that may still explain a kill that only a counter shows. */
  get #expectedReports(): KillReports {
    if (this.#reader.isLogUp) return this.hasMore ? 'unread' : 'kmsg';
    return this.#scope === 'below' ? 'groups' : 'nothing';
  }
}
