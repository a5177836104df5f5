import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { privateDirectory } from './kept.ts';
import { host } from './host.ts';
import { succeed } from './machine.ts';

/** Newer releases of Node than the oldest supported one, which runs the tests. */
export const NODE_RELEASES = ['22.23.5', '24.22.3', '26.12.1'] as const;

/** The path of a release of Node, downloaded from the npm registry unless an earlier run has done so. */
export async function nodeRelease(version: (typeof NODE_RELEASES)[number]): Promise<string> {
  const cache = privateDirectory();
  const kept = join(cache, `node-${version}`);
  if (existsSync(kept)) return kept;
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    await succeed(
      host,
      `set -e
      cd ${work}
      npm pack --silent node-linux-${process.arch}@${version}
      tar -xzf *.tgz package/bin/node`,
      { timeoutMs: 300_000 },
    );
    // Atomically, also when two test runs fetch at once.
    renameSync(join(work, 'package/bin/node'), kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
