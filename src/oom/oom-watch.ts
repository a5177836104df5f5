import { statSync } from 'node:fs';
import type { ContainerCgroup, Container, OomCounts } from '../container.ts';
import { isDenied } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import { type Counters, findCounters, readHostKills, type Reading } from './counters.ts';
import { EventWatches } from './event-watches.ts';
import { Excess } from './excess.ts';
import { KernelLog } from './kernel-log.ts';
import { KillLog } from './kill-log.ts';
import { FirstProcesses } from './first-processes.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import type { Life } from './life.ts';
import { StateFile } from './state-file.ts';
import { afterReboot, type State, stateOf } from './state.ts';
import { Storm } from './storm.ts';

/** Between looks while inotify tells of each kill, in ms. */
const LOOK_EVERY_MS = 1_000;

/** The same while only the kernel's log tells whose a kill was, and it can wait. */
const LOOK_OFTEN_MS = 200;

/** The same while only a counter can tell: a container may be gone in less than a tenth of a second after its kill. */
const LOOK_ALL_THE_TIME_MS = 20;

/** After an event, more are likely to come at once. */
const GATHER_EVENTS_MS = 10;

/** How often the counters are read again if somebody was killed meanwhile. */
const MOST_TRIES = 5;

export interface OomOptions extends Omit<LedgerOptions, 'counters' | 'inodeOf' | 'retention'> {
  readonly kernel: KernelFiles;
  /** `undefined`: do without. */
  readonly kmsg: string | undefined;
  /** `undefined`: forget at the end. */
  readonly stateFile: string | undefined;
  /** In ms. */
  readonly retention: number;
  readonly log: Log;
}

/**
 * Sees every OOM kill. What costs next to nothing is looked at often: the host's total in `/proc/vmstat`. Only when that
 * has changed, the containers' counters are read. The kernel's log tells of those whose cgroup is gone by then, and names
 * the victims.
 */
export class OomWatch implements AsyncDisposable {
  readonly #kernel: KernelFiles;
  readonly #log: Log;
  readonly #counters: Counters | undefined;
  readonly #ledger: Ledger;
  readonly #killLog: KillLog;
  readonly #kernelLog: KernelLog | undefined;
  readonly #watches: EventWatches | undefined;
  readonly #stateFile: StateFile | undefined;
  readonly #bootId: string;
  readonly #excess = new Excess();
  readonly #storm = new Storm();
  readonly #firstProcesses: FirstProcesses;
  /** Containers whose counter was never looked at. */
  readonly #unread = new Set<ContainerCgroup>();
  /** The host's total when all counters were last read. */
  #hostKills: number | undefined;
  /** Something is about to become clear: a name, a victim, whose a kill was. */
  #unsettled = false;
  /** What is in the state file. */
  #saved = '';
  #timer: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(options: OomOptions) {
    const { kernel, log, kmsg, stateFile } = options;
    this.#kernel = kernel;
    this.#log = log;
    this.#counters = findCounters(kernel);
    this.#firstProcesses = new FirstProcesses(kernel);
    const scope = this.#counters?.scope ?? 'own';
    this.#ledger = new Ledger({
      ...options,
      counters: scope,
      inodeOf: (path) => inodeOf(kernel, path),
      retention: options.retention / 1000,
    });
    this.#killLog = new KillLog({ log, counter: scope === 'below' ? 'memory.events' : 'memory.oom_control' });
    this.#bootId = kernel.proc('sys/kernel/random/boot_id')?.trim() ?? '';
    this.#stateFile = stateFile === undefined ? undefined : new StateFile(stateFile, log);
    const state = this.#stateFile?.load();
    const thisBoot = state?.bootId === this.#bootId ? state : undefined;
    if (kmsg !== undefined) this.#kernelLog = this.#openKernelLog(kmsg, thisBoot?.sequence);
    const hierarchy = kernel.layout.hierarchyOf('memory');
    if (hierarchy?.version === 2) this.#watches = this.#watchEvents(hierarchy.root);
    if (thisBoot !== undefined) this.#restore(thisBoot);
    else if (state !== undefined) this.#ledger.accounts.restore(0, afterReboot(state));
  }

  /** Whether each source works; those that do not apply are not in it. */
  get sources(): ReadonlyMap<string, boolean> {
    return new Map([
      ['vmstat', this.#hostKills !== undefined],
      ...(this.#kernelLog === undefined ? [] : [['kmsg', this.#kernelLog.up] as const]),
      ...(this.#watches === undefined ? [] : [['memory_events', this.#watches.up] as const]),
      ...(this.#stateFile === undefined ? [] : [['oom_state_file', this.#stateFile.up] as const]),
    ]);
  }

  appeared(cgroup: ContainerCgroup): void {
    this.#ledger.appeared(cgroup);
    this.#unread.add(cgroup);
    // Of those that were there before, the first process is nothing to go by.
    if (this.#timer !== undefined) this.#firstProcesses.expect(cgroup);
    this.#watches?.add(cgroup.path);
  }

  removed(cgroup: ContainerCgroup): void {
    // Its last kill, if it had one, is told of by now; its counter has gone with it.
    this.#takeKernelLog();
    this.#ledger.removed(cgroup, now());
    this.#unread.delete(cgroup);
    this.#firstProcesses.forget(cgroup);
    this.#watches?.remove(cgroup.path);
  }

  /** Looks for the first time and from then on, once the containers that are there have appeared. */
  start(): void {
    this.#look();
    this.#schedule();
  }

  /** The kills by now. */
  counts(containers: readonly Pick<Container, 'cgroup' | 'labels' | 'names'>[]): OomCounts {
    for (const { cgroup, labels, names } of containers) {
      this.#ledger.name(cgroup, { labels, named: names.name !== undefined || names.containerInPod !== undefined });
    }
    this.#look();
    const { total, unnamed } = this.#ledger;
    const lasting = this.#excess.lasting;
    return {
      accounts: this.#ledger.counts(this.#kernelLog?.up === true ? 'all' : 'counters'),
      // All three from one moment, and without what is not settled yet, so that they add up.
      host: this.#hostKills === undefined ? undefined : total - unnamed + lasting,
      unattributed: this.#hostKills === undefined ? undefined : lasting,
      lostRecords: this.#kernelLog?.lost,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#gathering);
    this.#firstProcesses[Symbol.dispose]();
    this.#watches?.[Symbol.dispose]();
    this.#lookForTheLastTime();
    await this.#stateFile?.close(this.#state());
    this.#kernelLog?.[Symbol.dispose]();
  }

  #look(): void {
    this.#takeKernelLog();
    const isSettled = this.#readCounters();
    this.#ledger.tidy(now());
    const excess = Math.max(0, (this.#hostKills ?? 0) - this.#ledger.total);
    if (isSettled) this.#excess.note(excess, performance.now());
    let untold = false;
    for (const life of this.#ledger.lives()) {
      this.#killLog.tell(life);
      untold ||= life.logged < life.kills;
    }
    this.#unsettled = untold || excess !== this.#excess.lasting;
    this.#save();
  }

  #takeKernelLog(): void {
    if (this.#kernelLog === undefined) return;
    for (const kill of this.#kernelLog.kills()) {
      const cgroup = kill.cgroup ?? (kill.past ? undefined : this.#firstProcesses.cgroupOf(kill.pid));
      this.#ledger.told({ ...kill, cgroup });
    }
  }

  /**
   * Reads the counters of all containers if anybody was killed, else only of new ones. In a storm there may be no two
   * moments with the same total: then it is `false`, and up to the next look.
   */
  #readCounters(): boolean {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const before = readHostKills(this.#kernel);
      const changed = before === undefined || before !== this.#hostKills;
      const lives = changed ? [...this.#ledger.living] : this.#ledger.livesOf(this.#unread);
      const readings = lives.map((life) => [life, this.#readOwnCounter(life)] as const);
      const above = changed && this.#counters?.scope === 'below' ? this.#readAbove() : undefined;
      if (lives.length > 0 && readHostKills(this.#kernel) !== before) {
        this.#takeKernelLog();
        continue;
      }
      this.#settle(readings, above);
      this.#unread.clear();
      this.#storm.note((before ?? 0) - (this.#hostKills ?? before ?? 0), performance.now());
      this.#hostKills = before;
      return true;
    }
    return false;
  }

  #settle(readings: readonly (readonly [Life, Reading])[], above: ReadonlyMap<string, number> | undefined): void {
    for (const [life, reading] of readings) this.#ledger.counted(life, reading);
    this.#ledger.settle(this.#hostKills === undefined ? undefined : now());
    if (above !== undefined) this.#ledger.settleParents(above, (path) => this.#counters?.childrenOf(path) ?? [], now());
  }

  /** Discovery may yet have to see that another container has taken the path, and then this is the other one's counter. */
  #readOwnCounter(life: Life): Reading {
    const reading = this.#readCounter(life.path);
    const isAnothers = saysNews(life, reading) && (inodeOf(this.#kernel, life.path) ?? life.inode) !== life.inode;
    return isAnothers ? undefined : reading;
  }

  #readCounter(path: string): Reading {
    return this.#counters?.read(path, (inner) => this.#ledger.isContainer(inner));
  }

  #readAbove(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const path of this.#ledger.parents()) {
      const reading = this.#readCounter(path);
      const kills = reading instanceof Map ? reading.get(path) : undefined;
      if (typeof kills === 'number') found.set(path, kills);
    }
    return found;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#lookIfChanged();
      this.#schedule();
    }, this.#patience()).unref();
  }

  #patience(): number {
    if (this.#watches?.up === true) return LOOK_EVERY_MS;
    const logTells = this.#kernelLog?.up === true && !this.#storm.rages(performance.now());
    return logTells ? LOOK_OFTEN_MS : LOOK_ALL_THE_TIME_MS;
  }

  #lookIfChanged(): void {
    // So that the kernel's log is not overwritten unread.
    this.#takeKernelLog();
    const hostKills = readHostKills(this.#kernel);
    if (this.#unsettled || hostKills !== this.#hostKills) this.#look();
  }

  /** The next run sees a kill that is not saved, too, but not when it was. */
  #lookForTheLastTime(): void {
    if (this.#stateFile === undefined) return;
    try {
      this.#lookIfChanged();
    } catch (error) {
      this.#log.warn({ error }, 'cannot look for OOM kills for the last time');
    }
  }

  #watchEvents(root: string): EventWatches {
    return new EventWatches({
      root,
      onEvent: () => {
        this.#gathering ??= setTimeout(() => {
          this.#gathering = undefined;
          this.#lookIfChanged();
        }, GATHER_EVENTS_MS);
      },
      onRefused: (error) =>
        this.#log.warn({ error }, 'inotify does not tell of OOM kills; looking ten times a second instead'),
    });
  }

  #openKernelLog(path: string, after: number | undefined): KernelLog {
    return new KernelLog({
      path,
      after,
      onFailed: (error) => {
        const remedy = isDenied(error)
          ? 'run as root with CAP_SYSLOG, in a container also with --device=/dev/kmsg'
          : undefined;
        this.#log.warn(
          { error, remedy },
          'cannot read the log of the kernel; OOM kills are told without their victims',
        );
      },
    });
  }

  #restore({ expired, accounts, lives }: State): void {
    this.#ledger.accounts.restore(expired, accounts);
    this.#ledger.restore(lives, now());
  }

  #state(): State {
    const { accounts } = this.#ledger;
    return stateOf({
      bootId: this.#bootId,
      sequence: this.#kernelLog?.last,
      expired: accounts.expired,
      accounts: accounts.retired,
      lives: this.#ledger.lives(),
    });
  }

  /**
   * Only when there is something new in it, and the number of the last record alone is nothing; or when it could not be
   * written.
   */
  #save(): void {
    if (this.#stateFile === undefined) return;
    const state = this.#state();
    const content = JSON.stringify({ ...state, sequence: 0 });
    const isDue = content !== this.#saved || !this.#stateFile.up;
    if (isDue && this.#stateFile.save(state)) this.#saved = content;
  }
}

/** The inode of the cgroup at a path, in the hierarchy of discovery; `undefined` if it is gone or cannot be looked at. */
function inodeOf({ layout }: KernelFiles, path: string): number | undefined {
  try {
    return statSync(layout.discovery.root + path).ino;
  } catch {
    return undefined;
  }
}

/** Whether a counter says anything else than when it was last read. */
function saysNews({ counts }: Life, reading: Reading): boolean {
  return reading instanceof Map && [...reading].some(([path, kills]) => kills !== (counts.get(path)?.kernel ?? 0));
}

/** Seconds since the epoch. */
function now(): number {
  return Date.now() / 1000;
}
