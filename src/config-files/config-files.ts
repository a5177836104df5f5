import { readFileSync, statSync } from 'node:fs';
import { errnoOf } from '../kernel/errno.ts';

/** A changed file is read again after this time, in ms: two close writes may leave the same time stamp. */
const UNSETTLED_MS = 2_000;

/** Where the files come from that users write. */
export interface ConfigFiles {
  /**
   * The content of a file.
   *
   * @throws the system error.
   */
  text(file: string): string;
  /** Changes when the file does. */
  stamp(file: string): string;
}

/** Reads them in this thread, so they must be on a local file system. */
export const LOCAL_FILES: ConfigFiles = { text: (file) => readFileSync(file, 'utf8'), stamp: stampOf };

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    const isSettled = Date.now() - Math.max(mtimeMs, ctimeMs) > UNSETTLED_MS;
    return [ino, size, mtimeMs, ctimeMs, isSettled].join(' ');
  } catch (error) {
    return errnoOf(error) ?? 'unreadable';
  }
}
