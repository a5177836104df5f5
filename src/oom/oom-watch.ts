import type { Container, ContainerCgroup, OomCounts } from '../container.ts';
import { isDenied } from '../kernel/errno.ts';
import { type KmsgDevice, NotKernelLog } from '../kernel/kmsg.ts';
import type { Log } from '../log.ts';
import { EventWatches } from './event-watches.ts';
import { KernelLog, type KernelLogOptions } from './kernel-log.ts';
import { KillTracker, type KillTrackerOptions } from './kill-tracker.ts';
import { pollInterval } from './poll-interval.ts';
import { SavedKills } from './saved-kills.ts';
import { SteadyClock } from '../kernel/steady-clock.ts';

/** How soon to poll after an inotify event, in ms: more events are likely to follow at once. */
const GATHER_EVENTS_MS = 10;

/** What the watch needs. */
export interface OomOptions extends Omit<KillTrackerOptions, 'clock'> {
  /** The path of the kernel's log; `undefined` if the log must not be read. */
  readonly kmsg: string | undefined;
  /** Opens the log; for tests. */
  readonly openLog?: (path: string) => KmsgDevice;
  /** `undefined`: keep nothing for the next run. */
  readonly stateFile: string | undefined;
  /** Why the state file must not be touched; absent: it may be. */
  readonly stateFileUnsafe?: string | undefined;
  readonly clock?: SteadyClock;
}

/**
 * Sees every OOM kill. It often reads the host's total in `/proc/vmstat`, which costs almost nothing. It reads the counters of
 * containers only when that total has changed. The kernel log also reports kills whose cgroup is already gone, and names the
 * victims.
 */
export class OomWatch implements AsyncDisposable {
  readonly #log: Log;
  readonly #tracker: KillTracker;
  readonly #saved: SavedKills | undefined;
  readonly #kernelLog: KernelLog | undefined;
  readonly #watches: EventWatches | undefined;
  /** Whether the kernel has the memory controller. */
  readonly #hasMemory: boolean;
  /** The watch has logged that kills cannot be attributed. */
  #isGapLogged = false;
  #isStarted = false;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, in ms of `performance.now()`. */
  #dueAt = 0;
  #gathering: NodeJS.Timeout | undefined;

  constructor(options: OomOptions) {
    const { kernel, log, kmsg, openLog, stateFile, clock = new SteadyClock() } = options;
    this.#log = log;
    const tracker = new KillTracker({
      ...options,
      clock,
      afterEvents: (callback) =>
        options.afterEvents(() => {
          callback();
          // In a storm the next kill is not far.
          if (this.#isStarted) this.#updateIfChanged();
        }),
    });
    this.#tracker = tracker;
    const { records, totals, retention } = tracker;
    if (stateFile !== undefined)
      this.#saved = new SavedKills({
        path: stateFile,
        unsafe: options.stateFileUnsafe,
        records,
        totals,
        retention,
        clock,
        kernel,
        log,
      });
    const readBefore = this.#saved?.restore();
    tracker.restored();
    if (kmsg !== undefined) {
      this.#kernelLog = this.#openKernelLog({ path: kmsg, after: readBefore, open: openLog }, clock);
      tracker.follow(this.#kernelLog);
    }
    const hierarchy = kernel.layout.hierarchyOf('memory');
    this.#hasMemory = hierarchy !== undefined;
    if (hierarchy?.version === 2) this.#watches = this.#watchEvents(hierarchy.root);
  }

  /** Whether each source works. Sources that do not apply are absent. */
  get sources(): ReadonlyMap<string, boolean> {
    return new Map([
      ['vmstat', this.#tracker.up],
      ['memory_controller', this.#hasMemory && this.#tracker.unattributable === undefined],
      ...(this.#kernelLog === undefined ? [] : [['kmsg', this.#kernelLog.up] as const]),
      ...(this.#watches === undefined ? [] : [['memory_events', this.#watches.up] as const]),
      ...(this.#saved === undefined ? [] : [['oom_state_file', this.#saved.up] as const]),
    ]);
  }

  /** Adds a container that discovery has found. */
  appeared(cgroup: ContainerCgroup): void {
    this.#tracker.appeared(cgroup, this.#isStarted ? 'started' : 'found');
    // The watch of the container around it serves it, too, and that container can create cgroups without the file.
    if (!this.#tracker.isNested(cgroup)) this.#watches?.add(cgroup.path);
    this.#schedule();
  }

  /** Marks a container as removed. */
  removed(cgroup: ContainerCgroup): void {
    this.#tracker.removed(cgroup);
    this.#watches?.remove(cgroup.path);
  }

  /** A container has come and gone that discovery saw only by the events of its cgroup. */
  unseen(path: string): void {
    this.#tracker.unseen(path);
  }

  /** Starts polling. Call it after the existing containers have been added. */
  start(): void {
    this.#isStarted = true;
    this.#update();
  }

  /**
   * The kills so far.
   *
   * @param containers the exported containers.
   */
  counts(containers: readonly Pick<Container, 'cgroup' | 'labels' | 'names'>[]): OomCounts {
    for (const { cgroup, labels, names } of containers) {
      this.#tracker.name(cgroup, { labels, named: names.name !== undefined || names.containerInPod !== undefined });
    }
    this.#tracker.showOnly(new Set(containers.map(({ cgroup }) => cgroup)));
    this.#update();
    this.#logGap();
    return { ...this.#tracker.counts(), lostRecords: this.#kernelLog?.lost };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#gathering);
    this.#watches?.[Symbol.dispose]();
    // Save now: the next run would also see an unsaved kill, but would not know its time.
    if (this.#saved !== undefined) this.#tracker.update();
    this.#tracker[Symbol.dispose]();
    await this.#saved?.close(this.#kernelLog?.last);
    this.#kernelLog?.[Symbol.dispose]();
  }

  #update(): void {
    this.#tracker.update();
    this.#saved?.noteUpdate();
    this.#saved?.saveIfDue(this.#kernelLog?.last);
    this.#schedule();
  }

  /** Without the memory controller the kernel reports that the victim was in the root cgroup, or in one above the container. */
  #logGap(): void {
    const cgroup = this.#tracker.unattributable;
    const isGap = !this.#hasMemory || cgroup !== undefined;
    if (isGap && !this.#isGapLogged) {
      const remedy = this.#hasMemory
        ? 'switch the memory controller on for its cgroup'
        : 'boot with cgroup_enable=memory, and without cgroup_disable=memory';
      this.#log.warn({ cgroup, remedy }, 'no memory controller; OOM kills in containers without it stay unattributed');
    }
    this.#isGapLogged = isGap;
  }

  #updateIfChanged(): void {
    const result = this.#tracker.updateIfChanged();
    if (result === 'updated') this.#saved?.noteUpdate();
    // Everything read so far must be in the records before they are saved.
    if (result !== 'postponed') this.#saved?.saveIfDue(this.#kernelLog?.last);
    this.#schedule();
  }

  /** Sets the time of the next poll. Never postpones a poll that is due earlier. */
  #schedule(): void {
    if (!this.#isStarted) return;
    const ms = pollInterval(this.#tracker, { events: this.#watches?.up === true, log: this.#kernelLog?.up === true });
    const dueAt = performance.now() + ms;
    if (this.#timer !== undefined && this.#dueAt <= dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#updateIfChanged();
    }, ms).unref();
  }

  #watchEvents(root: string): EventWatches {
    return new EventWatches({
      root,
      onEvent: () => {
        this.#gathering ??= setTimeout(() => {
          this.#gathering = undefined;
          this.#updateIfChanged();
        }, GATHER_EVENTS_MS);
      },
      onRefused: (error) =>
        this.#log.warn({ error }, 'cannot watch memory.events with inotify; polling several times a second instead'),
    });
  }

  #openKernelLog(from: Pick<KernelLogOptions, 'path' | 'after' | 'open'>, clock: SteadyClock): KernelLog {
    return new KernelLog({
      ...from,
      now: () => clock.now(),
      onFailed: (error) => {
        const remedy =
          isDenied(error) || error instanceof NotKernelLog
            ? 'run as root with CAP_SYSLOG, in a container also with --device=/dev/kmsg'
            : undefined;
        this.#log.warn({ error, remedy }, 'cannot read the kernel log; OOM kills are reported without their victims');
      },
    });
  }
}
