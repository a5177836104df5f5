import { chmodSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackagedFile } from './contents.ts';

/** Writes files below a directory, with their modes, and gives everything this date. */
export function writeTree(directory: string, files: readonly PackagedFile[], date: Date): void {
  const folders = new Set([directory]);
  for (const file of files) {
    const path = join(directory, file.path);
    for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
    mkdirSync(dirname(path), { recursive: true });
    if ('link' in file) {
      symlinkSync(file.link, path);
    } else {
      writeFileSync(path, file.content, { flag: 'wx' });
      chmodSync(path, file.mode);
    }
    lutimesSync(path, date, date);
  }
  for (const folder of folders) {
    // Whatever the umask of the user says.
    chmodSync(folder, 0o755);
    lutimesSync(folder, date, date);
  }
}
