import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A cache directory that survives runs. Other users must not be able to put a kernel there. */
export function privateDirectory(): string {
  const uid = process.getuid?.();
  const directory = join(tmpdir(), `isolation-exporter-lab-${uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid: owner, mode } = lstatSync(directory);
  if (owner !== uid || (mode & 0o077) !== 0) throw new Error(`${directory} is open to others; remove it`);
  writeFileSync(join(directory, 'README'), 'What the live tests of isolation-exporter fetched. May be removed.\n');
  return directory;
}
