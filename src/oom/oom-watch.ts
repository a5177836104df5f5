import { statSync } from 'node:fs';
import type { ContainerCgroup, Container, OomCounts } from '../container.ts';
import { isDenied } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import { CounterSnapshots } from './counter-snapshots.ts';
import { findCounters } from './counters.ts';
import { EventWatches } from './event-watches.ts';
import { UnattributedKills } from './unattributed-kills.ts';
import { KernelLog } from './kernel-log.ts';
import { KillLog } from './kill-log.ts';
import { FirstProcesses } from './first-processes.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import { SavedLedger } from './saved-ledger.ts';
import { OomBurst } from './oom-burst.ts';

/** Between looks while inotify tells of each kill, in ms. */
const LOOK_EVERY_MS = 1_000;

/** The same while only the kernel's log tells whose a kill was, and it can wait. */
const LOOK_OFTEN_MS = 200;

/** The same while only a counter can tell: a container may be gone in less than a tenth of a second after its kill. */
const LOOK_ALL_THE_TIME_MS = 20;

/** After an event, more are likely to come at once. */
const GATHER_EVENTS_MS = 10;

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
  readonly #log: Log;
  readonly #ledger: Ledger;
  readonly #saved: SavedLedger | undefined;
  readonly #snapshots: CounterSnapshots;
  readonly #killLog: KillLog;
  readonly #kernelLog: KernelLog | undefined;
  readonly #watches: EventWatches | undefined;
  readonly #unattributed = new UnattributedKills();
  readonly #burst = new OomBurst();
  readonly #firstProcesses: FirstProcesses;
  /** Something is about to become clear: a name, a victim, whose a kill was. */
  #unsettled = false;
  #timer: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(options: OomOptions) {
    const { kernel, log, kmsg, stateFile } = options;
    this.#log = log;
    const counters = findCounters(kernel);
    const scope = counters?.scope ?? 'own';
    const ledger = new Ledger({
      ...options,
      counters: scope,
      inodeOf: (path) => inodeOf(kernel, path),
      retention: options.retention / 1000,
    });
    this.#ledger = ledger;
    this.#saved = stateFile === undefined ? undefined : new SavedLedger({ path: stateFile, ledger, kernel, log });
    this.#snapshots = new CounterSnapshots({ kernel, counters, ledger, log, onKilled: () => this.#takeKernelLog() });
    this.#killLog = new KillLog({ log, counter: scope === 'below' ? 'memory.events' : 'memory.oom_control' });
    this.#firstProcesses = new FirstProcesses(kernel);
    const readBefore = this.#saved?.restore();
    if (kmsg !== undefined) this.#kernelLog = this.#openKernelLog(kmsg, readBefore);
    const hierarchy = kernel.layout.hierarchyOf('memory');
    if (hierarchy?.version === 2) this.#watches = this.#watchEvents(hierarchy.root);
  }

  /** Whether each source works; those that do not apply are not in it. */
  get sources(): ReadonlyMap<string, boolean> {
    return new Map([
      ['vmstat', this.#snapshots.up],
      ...(this.#kernelLog === undefined ? [] : [['kmsg', this.#kernelLog.up] as const]),
      ...(this.#watches === undefined ? [] : [['memory_events', this.#watches.up] as const]),
      ...(this.#saved === undefined ? [] : [['oom_state_file', this.#saved.up] as const]),
    ]);
  }

  appeared(cgroup: ContainerCgroup): void {
    this.#ledger.appeared(cgroup);
    this.#snapshots.appeared(cgroup);
    // Of those that were there before, the first process is nothing to go by.
    if (this.#timer !== undefined) this.#firstProcesses.expect(cgroup);
    this.#watches?.add(cgroup.path);
  }

  removed(cgroup: ContainerCgroup): void {
    // Its last kill, if it had one, is told of by now; its counter has gone with it.
    this.#takeKernelLog();
    this.#ledger.removed(cgroup, now());
    this.#snapshots.removed(cgroup);
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
    const hostKills = this.#snapshots.up ? this.#snapshots.hostKills : undefined;
    const lasting = this.#unattributed.lasting;
    return {
      accounts: this.#ledger.counts(this.#kernelLog?.up === true ? 'all' : 'counters'),
      // All three from one moment, and without what is not settled yet, so that they add up.
      host: hostKills === undefined ? undefined : total - unnamed + lasting,
      unattributed: hostKills === undefined ? undefined : lasting,
      lostRecords: this.#kernelLog?.lost,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#gathering);
    this.#firstProcesses[Symbol.dispose]();
    this.#watches?.[Symbol.dispose]();
    // The next run would see a kill that is not saved, too, but not when it was.
    if (this.#saved !== undefined) this.#lookIfChanged();
    await this.#saved?.close(this.#kernelLog?.last);
    this.#kernelLog?.[Symbol.dispose]();
  }

  #look(): void {
    this.#takeKernelLog();
    const killed = this.#snapshots.take();
    this.#ledger.tidy(now());
    const unattributed = Math.max(0, (this.#snapshots.hostKills ?? 0) - this.#ledger.total);
    if (killed !== undefined) {
      this.#burst.note(killed, performance.now());
      this.#unattributed.note(unattributed, performance.now());
    }
    let untold = false;
    for (const life of this.#ledger.lives()) {
      this.#killLog.tell(life);
      untold ||= life.logged < life.kills;
    }
    this.#unsettled = untold || unattributed !== this.#unattributed.lasting;
    this.#saved?.save(this.#kernelLog?.last);
  }

  #takeKernelLog(): void {
    if (this.#kernelLog === undefined) return;
    for (const kill of this.#kernelLog.kills()) {
      const cgroup = kill.cgroup ?? (kill.past ? undefined : this.#firstProcesses.cgroupOf(kill.pid));
      this.#ledger.told({ ...kill, cgroup });
    }
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#lookIfChanged();
      this.#schedule();
    }, this.#patience()).unref();
  }

  #patience(): number {
    if (this.#watches?.up === true) return LOOK_EVERY_MS;
    const logTells = this.#kernelLog?.up === true && !this.#burst.isActive(performance.now());
    return logTells ? LOOK_OFTEN_MS : LOOK_ALL_THE_TIME_MS;
  }

  #lookIfChanged(): void {
    // So that the kernel's log is not overwritten unread.
    this.#takeKernelLog();
    if (this.#unsettled || this.#snapshots.areOld) this.#look();
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
        this.#log.warn({ error }, 'inotify does not tell of OOM kills; looking several times a second instead'),
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
}

/** The inode of the cgroup at a path, in the hierarchy of discovery; `undefined` if it is gone or cannot be looked at. */
function inodeOf({ layout }: KernelFiles, path: string): number | undefined {
  try {
    return statSync(layout.discovery.root + path).ino;
  } catch {
    return undefined;
  }
}

/** Seconds since the epoch. */
function now(): number {
  return Date.now() / 1000;
}
