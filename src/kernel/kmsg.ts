import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errnoOf } from './errno.ts';
import { type KmsgRecord, parseKmsgRecord } from './kmsg-record.ts';

/** In bytes. No record is longer, its escapes included (`CONSOLE_EXT_LOG_MAX`); less room makes the kernel answer EINVAL. */
export const LONGEST_RECORD = 16 * 1024;

/** The kernel's log, read from its oldest record on. Reading it takes nothing away from other readers. */
export class Kmsg implements Disposable {
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafeSlow(LONGEST_RECORD);
  #next: number | undefined;
  #lost = 0;

  /**
   * Records up to the one with the number `after` are passed over, as read by an earlier run.
   *
   * @throws the system error: ENOENT where there is no such device, EPERM without `CAP_SYSLOG` (while
   *   `kernel.dmesg_restrict` is 1) or where the device cgroup denies it.
   */
  constructor(path: string, options: { readonly after?: number | undefined } = {}) {
    // Not blocking: at its end a read answers EAGAIN and does not wait.
    this.#descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (options.after !== undefined) this.#next = options.after + 1;
  }

  /** How many records were overwritten before they could be read, after the first one that was. */
  get lost(): number {
    return this.#lost;
  }

  /** The number of the last record that was read; `undefined` before the first. */
  get last(): number | undefined {
    return this.#next === undefined ? undefined : this.#next - 1;
  }

  /**
   * The records that have come since the last call. What is not of a record's form is left out.
   *
   * @throws the system error if it cannot be read any more.
   */
  *records(): Generator<KmsgRecord> {
    for (;;) {
      const text = this.#read();
      if (text === undefined) return;
      const record = recordOf(text);
      if (record === undefined || record.sequence < (this.#next ?? 0)) continue;
      if (this.#next !== undefined && record.sequence > this.#next) this.#lost += record.sequence - this.#next;
      this.#next = record.sequence + 1;
      yield record;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #read(): string | undefined {
    for (;;) {
      try {
        const length = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.length, null);
        return length === 0 ? undefined : this.#buffer.toString('latin1', 0, length);
      } catch (error) {
        if (errnoOf(error) === 'EAGAIN') return undefined;
        // The next record was overwritten; the kernel has moved on to the oldest that there is.
        if (errnoOf(error) !== 'EPIPE') throw error;
      }
    }
  }
}

function recordOf(text: string): KmsgRecord | undefined {
  try {
    return parseKmsgRecord(text);
  } catch {
    return undefined;
  }
}
