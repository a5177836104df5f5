import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import type { Ledger } from './ledger.ts';
import { StateFile } from './state-file.ts';
import { afterReboot, type State, stateOf } from './state.ts';

/** Keeps a ledger in the state file, for the next run of the exporter. */
export class SavedLedger {
  readonly #ledger: Ledger;
  readonly #file: StateFile;
  readonly #bootId: string;
  /** What is in the file but for the number of the last record. */
  #saved = '';

  constructor(options: {
    readonly path: string;
    readonly ledger: Ledger;
    readonly kernel: KernelFiles;
    readonly log: Log;
  }) {
    this.#ledger = options.ledger;
    this.#file = new StateFile(options.path, options.log);
    this.#bootId = options.kernel.proc('sys/kernel/random/boot_id')?.trim() ?? '';
  }

  /** Whether it could be written when it was last to be. */
  get up(): boolean {
    return this.#file.up;
  }

  /**
   * Takes over what an earlier run has left.
   *
   * @returns the number of the last record of the kernel's log that it has read; `undefined` if it has read none in this
   *   boot.
   */
  restore(): number | undefined {
    const state = this.#file.load();
    if (state === undefined) return undefined;
    const { accounts } = this.#ledger;
    if (state.bootId !== this.#bootId) {
      accounts.restore(0, afterReboot(state));
      return undefined;
    }
    accounts.restore(state.expired, state.accounts);
    this.#ledger.restore(state.lives, Date.now() / 1000);
    return state.sequence;
  }

  /**
   * Saves in the background, but only when there is something new, and the number of the last record alone is nothing; or
   * when it could not be written before.
   */
  save(sequence: number | undefined): void {
    const state = this.#state(sequence);
    const content = JSON.stringify({ ...state, sequence: 0 });
    const isDue = content !== this.#saved || !this.#file.up;
    if (isDue && this.#file.save(state)) this.#saved = content;
  }

  /** Saves as the last thing. */
  async close(sequence: number | undefined): Promise<void> {
    await this.#file.close(this.#state(sequence));
  }

  #state(sequence: number | undefined): State {
    const { accounts } = this.#ledger;
    return stateOf({
      bootId: this.#bootId,
      sequence,
      expired: accounts.expired,
      accounts: accounts.retired,
      lives: this.#ledger.lives(),
    });
  }
}
