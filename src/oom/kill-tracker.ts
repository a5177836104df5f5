import type { ContainerCgroup, OomCounts } from '../container.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import { Attribution, type AttributionOptions } from './attribution.ts';
import type { NamedLabels } from './container-record.ts';
import { ContainerRecords } from './container-records.ts';
import { CounterSnapshots, inodeOf } from './counter-snapshots.ts';
import { findCounters } from './counters.ts';
import type { KernelLog } from './kernel-log.ts';
import { KillLog } from './kill-log.ts';
import { KillTotals } from './kill-totals.ts';
import { MemoryPlaces } from './memory-places.ts';
import { FirstProcesses } from './first-processes.ts';
import { OomBurst } from './oom-burst.ts';
import { type RecordNames, Retention } from './retention.ts';
import type { SteadyClock } from './steady-clock.ts';
import { UnattributedKills } from './unattributed-kills.ts';

/** How often the counters are read again if there were kills meanwhile. */
const MAX_TRIES = 5;

/** What a tracker works on. */
export interface KillTrackerOptions extends Pick<AttributionOptions, 'identify'> {
  readonly kernel: KernelFiles;
  readonly names: RecordNames;
  /** In ms. */
  readonly retention: number;
  readonly clock: SteadyClock;
  readonly log: Log;
}

/** The kills that were found so far. All are from one moment and add up. */
type KillCountsNow = Omit<OomCounts, 'lostRecords'>;

/**
 * Takes kills from the sources to the records of containers, one step after the other: the kernel's log, the counters,
 * attribution, retention, the exporter's own log.
 */
export class KillTracker implements Disposable {
  readonly records = new ContainerRecords();
  readonly totals = new KillTotals();
  readonly retention: Retention;
  readonly #places: MemoryPlaces;
  readonly #clock: SteadyClock;
  readonly #snapshots: CounterSnapshots;
  readonly #attribution: Attribution;
  readonly #killLog: KillLog;
  readonly #firstProcesses: FirstProcesses;
  readonly #unattributed = new UnattributedKills();
  readonly #burst = new OomBurst();
  #kernelLog: KernelLog | undefined;
  /** The kernel's log reported a kill since the last update. */
  #hasNews = false;
  /** A name, a victim or the container of a kill may still become known. */
  #unsettled = false;

  constructor(options: KillTrackerOptions) {
    const { kernel, log, identify, names, clock } = options;
    this.#clock = clock;
    const { records, totals } = this;
    this.#places = new MemoryPlaces(kernel, (path) => identify(path)?.cgroup);
    const counters = findCounters(kernel, this.#places);
    const scope = counters?.scope ?? 'own';
    this.#snapshots = new CounterSnapshots({ kernel, counters, records, log });
    this.#attribution = new Attribution({
      records,
      counters: scope,
      identify,
      inodeOf: (path) => inodeOf(kernel, path),
    });
    this.retention = new Retention({
      records,
      totals,
      names,
      drop: (record) => this.#attribution.drop(record),
      retention: options.retention / 1000,
    });
    this.#killLog = new KillLog({ log, counter: scope === 'below' ? 'memory.events' : 'memory.oom_control', clock });
    this.#firstProcesses = new FirstProcesses(kernel);
  }

  /** Takes kills from the kernel's log from now on. */
  follow(kernelLog: KernelLog): void {
    this.#kernelLog = kernelLog;
  }

  /** Whether the host's total could be read. */
  get up(): boolean {
    return this.#snapshots.up;
  }

  /** Whether kills come so fast that the kernel's log does not say whose they are. */
  get isBurst(): boolean {
    return this.#burst.isActive(performance.now());
  }

  /**
   * Adds a container that discovery has found.
   *
   * @param when `found`: it was there before the daemon, so nobody knows which of its processes was the first.
   */
  appeared(cgroup: ContainerCgroup, when: 'found' | 'started'): void {
    this.#places.add(cgroup.path);
    this.retention.appearing(cgroup);
    this.#attribution.appeared(cgroup);
    this.#snapshots.appeared(cgroup);
    if (when === 'started') this.#firstProcesses.expect(cgroup);
  }

  /** Marks a container as removed. */
  removed(cgroup: ContainerCgroup): void {
    // Its counter is gone, but the kernel's log has its last kill by now.
    this.#readKernelLog();
    const record = this.#attribution.removed(cgroup, this.#clock.now());
    if (record !== undefined) this.retention.removed(record);
    this.#snapshots.removed(cgroup);
    this.#firstProcesses.forget(cgroup);
    this.#places.remove(cgroup.path);
  }

  /** Gives a live container its labels. */
  name(cgroup: ContainerCgroup, named: NamedLabels): void {
    this.retention.name(cgroup, named);
  }

  /** Says which live containers are shown. */
  showOnly(shown: ReadonlySet<ContainerCgroup>): void {
    this.retention.showOnly(shown);
  }

  /** Takes everything that the sources know by now. */
  update(): void {
    const newKills = this.#takeSources();
    this.#hasNews = false;
    this.retention.update(this.#clock.now());
    const excess = Math.max(0, (this.#snapshots.hostKills ?? 0) - this.retention.kills);
    if (newKills !== undefined) {
      this.#burst.note(newKills, performance.now());
      this.#unattributed.note(excess, performance.now());
    }
    let isUnlogged = false;
    for (const record of this.records.all()) {
      this.#killLog.write(record);
      isUnlogged ||= record.logged < record.kills;
    }
    this.#unsettled = isUnlogged || excess !== this.#unattributed.lasting;
  }

  /** The same, unless nothing has changed. It costs next to nothing then. Returns whether something has changed. */
  updateIfChanged(): boolean {
    // Always, so that the kernel does not overwrite records before they are read.
    this.#readKernelLog();
    if (!this.#hasNews && !this.#unsettled && !this.#snapshots.areOutdated) return false;
    this.update();
    return true;
  }

  /** All from one moment, without the kills that are not settled yet. */
  counts(): KillCountsNow {
    const { kills, unnamedKills } = this.retention;
    const isKnown = this.#snapshots.up && this.#snapshots.hostKills !== undefined;
    const lasting = this.#unattributed.lasting;
    const toWall = this.#clock.toWall();
    return {
      accounts: this.retention
        .counts(this.#kernelLog?.up === true ? 'kmsg' : 'counters')
        .map((account) =>
          account.lastKill === undefined ? account : { ...account, lastKill: toWall(account.lastKill) },
        ),
      host: isKnown ? kills - unnamedKills + lasting : undefined,
      unattributed: isKnown ? lasting : undefined,
      expired: isKnown ? this.totals.expiredKills : undefined,
    };
  }

  [Symbol.dispose](): void {
    this.#firstProcesses[Symbol.dispose]();
  }

  #readKernelLog(): void {
    for (const kill of this.#kernelLog?.kills() ?? []) {
      this.#hasNews = true;
      const logged = kill.cgroup === undefined ? undefined : this.#places.discoveryPathOf(kill.cgroup);
      const cgroup = logged ?? (kill.beforeStart ? undefined : this.#firstProcesses.cgroupOf(kill.pid));
      this.#attribution.fromKmsg({ ...kill, cgroup });
    }
  }

  /** Returns how many kills there were on the host; `undefined` if the counters could not be read at one moment. */
  #takeSources(): number | undefined {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      this.#readKernelLog();
      const snapshot = this.#snapshots.take(() => this.#attribution.parents());
      if (snapshot === 'unreadable') return undefined;
      if (snapshot === 'changed') continue;
      for (const [record, reading] of snapshot.readings) this.#attribution.fromCounter(record, reading);
      this.#attribution.settle(snapshot.isFirst ? undefined : this.#clock.now());
      if (snapshot.parents !== undefined) {
        this.#attribution.settleParents(
          snapshot.parents,
          (path) => this.#snapshots.childrenOf(path),
          this.#clock.now(),
        );
      }
      return snapshot.newKills;
    }
    return undefined;
  }
}
