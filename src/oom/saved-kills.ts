import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import type { ContainerRecords } from './container-records.ts';
import type { KillTotals } from './kill-totals.ts';
import type { Retention } from './retention.ts';
import { StateFile } from './state-file.ts';
import { afterReboot, type State, stateOf } from './state.ts';

/** Keeps records and totals in the state file, for the next run of the exporter. */
export class SavedKills {
  readonly #records: ContainerRecords;
  readonly #totals: KillTotals;
  readonly #retention: Retention;
  readonly #file: StateFile;
  readonly #bootId: string;
  /** The content of the file without the number of the last record. */
  #saved = '';

  constructor(options: {
    readonly path: string;
    readonly records: ContainerRecords;
    readonly totals: KillTotals;
    readonly retention: Retention;
    readonly kernel: KernelFiles;
    readonly log: Log;
  }) {
    this.#records = options.records;
    this.#totals = options.totals;
    this.#retention = options.retention;
    this.#file = new StateFile(options.path, options.log);
    this.#bootId = options.kernel.proc('sys/kernel/random/boot_id')?.trim() ?? '';
  }

  /** Whether the last attempt to write the file succeeded. */
  get up(): boolean {
    return this.#file.up;
  }

  /**
   * Takes over what an earlier run has saved.
   *
   * @returns the number of the last record of the kernel's log that the earlier run has read; `undefined` if it has read
   *   none since this boot.
   */
  restore(): number | undefined {
    const state = this.#file.load();
    if (state === undefined) return undefined;
    if (state.bootId !== this.#bootId) {
      this.#totals.restore(0, afterReboot(state));
      return undefined;
    }
    this.#totals.restore(state.expiredKills, state.totals);
    this.#retention.restore(state.records, Date.now() / 1000);
    return state.sequence;
  }

  /**
   * Saves in the background if anything but the number of the last record has changed, or if the last attempt failed.
   */
  save(sequence: number | undefined): void {
    const state = this.#state(sequence);
    const content = JSON.stringify({ ...state, sequence: 0 });
    const isDue = content !== this.#saved || !this.#file.up;
    if (isDue && this.#file.save(state)) this.#saved = content;
  }

  /** Saves for the last time. */
  async close(sequence: number | undefined): Promise<void> {
    await this.#file.close(this.#state(sequence));
  }

  #state(sequence: number | undefined): State {
    return stateOf({
      bootId: this.#bootId,
      sequence,
      expiredKills: this.#totals.expiredKills,
      totals: this.#totals.archived,
      records: this.#records.all(),
    });
  }
}
