import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { isAbsence } from '../kernel/errno.ts';
import { kindOfFile } from '../kernel/kind-of-file.ts';

/** The maximum size of a state file in bytes. A state with 10,000 removed containers takes about 10 MB. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Reads a file that somebody may have replaced with anything. It neither follows a link nor waits for the other end of a FIFO.
 *
 * @returns its text; `undefined` if there is no such file.
 * @throws Error if it is no regular file or too large, or the system error.
 */
export function readRegularFile(path: string): string | undefined {
  refuseSpecialFile(path);
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
  try {
    const stats = fstatSync(descriptor);
    refuse(stats);
    if (stats.size > MOST_BYTES) throw new Error(`The file has ${stats.size} bytes, more than any state file`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Checks that the path is a regular file or absent: a rename must not replace `/dev/null` or an administrator's link.
 *
 * @throws Error if the path is anything else, or the system error.
 */
export function refuseSpecialFile(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined) refuse(stats);
}

function refuse(stats: Stats): void {
  if (!stats.isFile()) throw new Error(`The path is ${kindOfFile(stats)}, not a regular file`);
}
