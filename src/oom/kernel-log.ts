import { Kmsg, type KmsgPosition } from '../kernel/kmsg.ts';
import { createOomReader } from '../kernel/oom-report.ts';
import type { KmsgKill } from './container-record.ts';

/** The kills in the kernel's log, from its oldest record on. It is read on request and never waited for. */
export class KernelLog implements Disposable {
  readonly #startedAt = monotonic();
  readonly #read = createOomReader();
  readonly #onFailed: (error: unknown) => void;
  #kmsg: Kmsg | undefined;

  /** @param options.after the last record that an earlier run has read. */
  constructor(options: {
    readonly path: string;
    readonly after: KmsgPosition | undefined;
    /** Called when it cannot be opened, or cannot be read any more. */
    readonly onFailed: (error: unknown) => void;
  }) {
    this.#onFailed = options.onFailed;
    try {
      this.#kmsg = new Kmsg(options.path, { after: options.after });
    } catch (error) {
      this.#onFailed(error);
    }
  }

  get up(): boolean {
    return this.#kmsg !== undefined;
  }

  /** See {@link Kmsg.lost}. */
  get lost(): number | undefined {
    return this.#kmsg?.lost;
  }

  /** See {@link Kmsg.last}. */
  get last(): KmsgPosition | undefined {
    return this.#kmsg?.last;
  }

  /** The kills reported since the last call. */
  *kills(): Generator<KmsgKill> {
    if (this.#kmsg === undefined) return;
    // Neither clock runs while the machine is suspended, so times from before that are too late by as much.
    const sinceBoot = monotonic();
    const now = Date.now() / 1000;
    try {
      for (const record of this.#kmsg.records()) {
        const victim = this.#read(record);
        if (victim === undefined) continue;
        const time = victim.time / 1e6;
        yield { ...victim, at: Math.min(now, now - (sinceBoot - time)), beforeStart: time < this.#startedAt };
      }
    } catch (error) {
      this[Symbol.dispose]();
      this.#onFailed(error);
    }
  }

  [Symbol.dispose](): void {
    this.#kmsg?.[Symbol.dispose]();
    this.#kmsg = undefined;
  }
}

/** Seconds of CLOCK_MONOTONIC, the clock of the kernel's log. */
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}
