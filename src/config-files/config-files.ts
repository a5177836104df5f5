import { closeSync, constants, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { errnoOf } from '../kernel/errno.ts';
import { kindOfFile } from '../kernel/kind-of-file.ts';

/** The maximum size of a file, in bytes. */
export const MOST_BYTES = 1024 * 1024;

/** A changed file is read again after this time, in ms: two close writes may leave the same time stamp. */
const UNSETTLED_MS = 2_000;

/** Where the files come from that users write. */
export interface ConfigFiles {
  /**
   * The content of a file.
   *
   * @throws the system error, or an error that says why it is no file to read.
   */
  text(file: string): string;
  /** Changes when the file does. */
  stamp(file: string): string;
}

/** Reads them in this thread, so they must be on a local file system. */
export const LOCAL_FILES: ConfigFiles = { text: textOf, stamp: stampOf };

function textOf(file: string): string {
  const stats = statSync(file);
  const isEndless = stats.isFIFO() && isNamed(file);
  if (isEndless || stats.isSocket() || stats.isDirectory()) throw new Error(`it is ${kindOfFile(stats)}, not a file`);
  const descriptor = openSync(file, constants.O_RDONLY | (stats.isFIFO() ? 0 : constants.O_NONBLOCK));
  try {
    return readAll(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Nobody may ever write to a FIFO with a name. The pipe at /dev/stdin or /dev/fd/63 has none, and its writer runs. */
function isNamed(file: string): boolean {
  try {
    return realpathSync.native(file) !== '';
  } catch {
    return false;
  }
}

/** Reads to the end: a device such as /dev/zero has none. */
function readAll(descriptor: number): string {
  const buffer = Buffer.allocUnsafe(MOST_BYTES);
  let length = 0;
  while (length < MOST_BYTES) {
    const read = readSync(descriptor, buffer, length, MOST_BYTES - length, null);
    if (read === 0) return buffer.toString('utf8', 0, length);
    length += read;
  }
  throw new Error('it is too large: 1 MiB or more');
}

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    const isSettled = Date.now() - Math.max(mtimeMs, ctimeMs) > UNSETTLED_MS;
    return [ino, size, mtimeMs, ctimeMs, isSettled].join(' ');
  } catch (error) {
    return errnoOf(error) ?? 'unreadable';
  }
}
