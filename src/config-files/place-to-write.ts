import { lstat, realpath, stat } from 'node:fs/promises';
import { errnoOf } from '../kernel/errno.ts';
import { kindOfFile } from '../kernel/kind-of-file.ts';

/** The mode of a new file: everybody may read it, as the other files of a repository. */
const MODE = 0o644;

/**
 * The regular file to replace, or to create. A link stays one.
 *
 * @throws Error if something else is there: as root, the rename would replace /dev/null or the link /dev/stdout for the whole host.
 */
export async function placeToWrite(file: string): Promise<{ readonly target: string; readonly mode: number }> {
  try {
    const target = await realpath(file);
    const stats = await stat(target);
    if (!stats.isFile()) throw new Error(`${file} is ${kindOfFile(stats)}, not a regular file`);
    return { target, mode: stats.mode & 0o777 };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const link = await lstat(file).catch(() => undefined);
  if (link !== undefined) throw new Error(`${file} is a link to what is not a file`);
  return { target: file, mode: MODE };
}
