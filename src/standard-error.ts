import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { errnoOf } from './kernel/errno.ts';

/** How long writes may wait for a reader in each second, in ms. A burst may be longer than what a pipe holds. */
const PATIENCE_MS = 100;

/**
 * Writes lines to standard error at once, so that nothing is lost when the process ends. A reader that does not read, such as a log
 * driver that stands still, does not stop the daemon: lines that do not fit are dropped, and counted in the next line that does.
 */
export class StandardError {
  readonly #descriptor: number;
  readonly #noticeOf: (dropped: number) => string;
  /** Keeps a socket open that was made non-blocking. */
  readonly #socket: Socket | undefined;
  #dropped = 0;
  /** The end of a line of which a part was written. */
  #rest: Buffer = Buffer.alloc(0);
  #patienceUntil = 0;
  #patience = 0;

  /** @param noticeOf renders the line that says how many lines were dropped. */
  constructor(noticeOf: (dropped: number) => string, descriptor = 2) {
    this.#noticeOf = noticeOf;
    const stats = fstatSync(descriptor);
    this.#descriptor = stats.isFIFO() ? withoutWaiting(descriptor) : descriptor;
    // Node makes the descriptor of a socket non-blocking. Nothing is written to this object.
    this.#socket = stats.isSocket() ? new Socket({ fd: descriptor, readable: false }).unref() : undefined;
    this.#socket?.on('error', () => {});
  }

  write(line: string): void {
    if (!this.#flush()) {
      this.#dropped += 1;
      return;
    }
    this.#rest = Buffer.from(this.#dropped === 0 ? line : this.#noticeOf(this.#dropped) + line);
    this.#dropped = 0;
    this.#flush();
  }

  /** Whether all is written, or nobody can read it any more (EPIPE). */
  #flush(): boolean {
    while (this.#rest.length > 0) {
      try {
        this.#rest = this.#rest.subarray(writeSync(this.#descriptor, this.#rest));
      } catch (error) {
        if (errnoOf(error) === 'EAGAIN') {
          if (!this.#waits()) return false;
        } else this.#rest = this.#rest.subarray(this.#rest.length);
      }
    }
    return true;
  }

  #waits(): boolean {
    const now = performance.now();
    if (now > this.#patienceUntil) {
      this.#patienceUntil = now + 1_000;
      this.#patience = PATIENCE_MS;
    }
    if (this.#patience <= 0) return false;
    this.#patience -= 1;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    return true;
  }
}

/** Another descriptor of the same pipe, because others may share this one and expect it to wait. */
function withoutWaiting(descriptor: number): number {
  try {
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Nobody reads it any more, or /proc is not mounted.
    return descriptor;
  }
}
