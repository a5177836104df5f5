import { readdirSync, statSync } from 'node:fs';
import { absentAsUndefined } from './errno.ts';

/**
 * The names of the directories in a directory of cgroupfs; empty if it is gone. In kernfs a directory has 2 links plus
 * one for each child. The link count therefore identifies a leaf, as most cgroups are, at a twentieth of the cost of
 * listing it.
 *
 * @throws the system error for anything but absence.
 */
export function childDirectories(directory: string): string[] {
  const entries = absentAsUndefined(() =>
    statSync(directory).nlink === 2 ? [] : readdirSync(directory, { withFileTypes: true }),
  );
  return (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
