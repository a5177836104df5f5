import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, read, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether {@link HangingMount} works here. */
export const canHang = process.getuid?.() === 0 && existsSync('/dev/fuse');

/** A request's header and the longest of the requests that a look-up causes. */
const BUFFER_BYTES = 1 << 20;

/**
 * `takes`: the server takes each request and never answers it, so that not even SIGKILL ends a process that waits for the answer.
 * `ignores`: it takes none, as one that was stopped, so that SIGKILL does. A number: it answers after so many ms that there is no file.
 */
export type Manner = 'takes' | 'ignores' | number;

/** A FUSE mount whose server does not answer as it should. The server is this process. */
export class HangingMount implements Disposable {
  readonly path: string;
  readonly #manner: Manner;
  readonly #device: number;
  #isOpen = true;

  constructor(manner: Manner) {
    this.#manner = manner;
    this.path = join(mkdtempSync(join(tmpdir(), 'isolation-hang-')), 'mount');
    mkdirSync(this.path);
    this.#device = openSync('/dev/fuse', 'r+');
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
    const words = ['-i', '-t', 'fuse', '-o', options, 'hang', this.path];
    const { status, stderr } = spawnSync('mount', words, { stdio: ['ignore', 'ignore', 'pipe', this.#device] });
    if (status !== 0) throw new Error(`Cannot mount: ${String(stderr)}`);
    this.#serve(Buffer.alloc(BUFFER_BYTES));
  }

  /** Ends all waiting look-ups, with an error. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    spawnSync('umount', ['-f', '-l', this.path]);
    closeSync(this.#device);
    rmSync(join(this.path, '..'), { recursive: true, force: true });
  }

  #serve(buffer: Buffer): void {
    read(this.#device, buffer, 0, buffer.length, null, (error) => {
      // Unmounted.
      if (error !== null || !this.#isOpen) return;
      const unique = buffer.readBigUInt64LE(8);
      if (buffer.readUInt32LE(4) === INIT) writeSync(this.#device, answerToInit(unique));
      else if (typeof this.#manner === 'number') setTimeout(() => this.#answerNoFile(unique), this.#manner);
      if (this.#manner !== 'ignores') this.#serve(buffer);
    });
  }

  #answerNoFile(unique: bigint): void {
    if (this.#isOpen) writeSync(this.#device, answer(unique, -constants.errno.ENOENT, Buffer.alloc(0)));
  }
}

/** From linux/fuse.h. */
const INIT = 26;

/** `struct fuse_init_out` of version 7.31. */
function answerToInit(unique: bigint): Buffer {
  const init = Buffer.alloc(64);
  init.writeUInt32LE(7, 0);
  init.writeUInt32LE(31, 4);
  init.writeUInt32LE(4096, 20);
  return answer(unique, 0, init);
}

/** `struct fuse_out_header`, and what follows it. */
function answer(unique: bigint, error: number, rest: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(header.length + rest.length, 0);
  header.writeInt32LE(error, 4);
  header.writeBigUInt64LE(unique, 8);
  return Buffer.concat([header, rest]);
}
