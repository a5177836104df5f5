import { unseenAsUndefined } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { KmsgPosition } from '../kernel/kmsg.ts';
import type { Log } from '../log.ts';
import type { ContainerRecords } from './container-records.ts';
import type { KillTotals } from './kill-totals.ts';
import type { Retention } from './retention.ts';
import { StateFile } from './state-file.ts';
import type { Entries } from './state-journal.ts';
import { afterReboot, atBoot, type Boot, differ, entriesOf, isSameBoot, stateIn, stateOf } from './state.ts';
import type { SteadyClock } from '../kernel/steady-clock.ts';

/** The shortest time between two saves, in ms. */
const MIN_PAUSE_MS = 100;

/** The pause after a save is at least this many times as long as collecting the data took. */
const PAUSE_PER_COST = 20;

/** Keeps records and totals in the state file, for the next run of the exporter. */
export class SavedKills {
  readonly #records: ContainerRecords;
  readonly #totals: KillTotals;
  readonly #retention: Retention;
  readonly #clock: SteadyClock;
  readonly #file: StateFile;
  readonly #bootId: string;
  #saved: Entries = new Map();
  #isPending = false;
  /** In ms of `performance.now()`. */
  #notBefore = 0;

  constructor(options: {
    readonly path: string;
    /** Why the file must not be touched; absent: it may be. */
    readonly unsafe?: string | undefined;
    readonly records: ContainerRecords;
    readonly totals: KillTotals;
    readonly retention: Retention;
    readonly clock: SteadyClock;
    readonly kernel: KernelFiles;
    readonly log: Log;
  }) {
    this.#records = options.records;
    this.#totals = options.totals;
    this.#retention = options.retention;
    this.#clock = options.clock;
    this.#file = new StateFile(options.path, options.log, options.unsafe);
    const { kernel } = options;
    this.#bootId = unseenAsUndefined(() => kernel.proc('sys/kernel/random/boot_id'))?.trim() ?? '';
  }

  /** Whether the last attempt to write the file succeeded. */
  get up(): boolean {
    return this.#file.up;
  }

  /**
   * Restores the state of an earlier run.
   *
   * @returns the last record of the kernel's log that the earlier run read; `undefined` if it read none since this
   *   boot.
   */
  restore(): KmsgPosition | undefined {
    const state = this.#file.load(stateIn);
    if (state === undefined) return undefined;
    const [boot, now] = [this.#boot(), this.#clock.now()];
    const { totals, records, expiredKills, kmsg } = atBoot(state, boot, now);
    if (!isSameBoot(state, boot, now)) {
      this.#totals.restore(0, afterReboot({ totals, records }));
      return undefined;
    }
    this.#totals.restore(expiredKills, totals);
    this.#retention.restore(records, now);
    return kmsg;
  }

  /** Notes that there may be something to save. */
  noteUpdate(): void {
    this.#isPending = true;
  }

  /**
   * Saves in the background if anything but the position in the kernel's log has changed, or if the last attempt
   * failed. In a burst of kills it does so a few times a second. Before the call, everything read so far must be in the
   * records.
   */
  saveIfDue(kmsg: KmsgPosition | undefined): void {
    const start = performance.now();
    if (!this.#isPending || start < this.#notBefore || !this.#file.isUsable) return;
    const entries = this.#entries(kmsg);
    const isDifferent = !this.#file.up || differ(entries, this.#saved);
    if (!isDifferent) this.#isPending = false;
    else if (this.#file.save(entries)) {
      this.#saved = entries;
      this.#isPending = !this.#file.up;
    }
    const end = performance.now();
    this.#notBefore = end + Math.max(MIN_PAUSE_MS, (end - start) * PAUSE_PER_COST);
  }

  /** Saves for the last time, before the process ends. */
  async close(kmsg: KmsgPosition | undefined): Promise<void> {
    await this.#file.close(this.#entries(kmsg));
  }

  #entries(kmsg: KmsgPosition | undefined): Entries {
    const state = stateOf({
      boot: this.#boot(),
      kmsg,
      savedAt: this.#clock.now(),
      expiredKills: this.#totals.expiredKills,
      totals: this.#totals.archived,
      records: this.#records.all(),
    });
    return entriesOf(state);
  }

  #boot(): Boot {
    return { id: this.#bootId, time: this.#clock.bootTime() };
  }
}
