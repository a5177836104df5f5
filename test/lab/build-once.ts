import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { host } from './host.ts';
import { privateDirectory } from './kept.ts';
import { succeed } from './machine.ts';

/** Where the program that is built from a folder's sources is kept. Changed sources have another directory. */
export function keptOf(kind: string, sources: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(sources).toSorted())
    hash.update(`${name}\n`).update(readFileSync(join(sources, name)));
  return join(privateDirectory(), `own-${kind}-${hash.digest('hex').slice(0, 12)}`);
}

/**
 * Builds what a directory of the lab keeps, unless an earlier run has done so.
 *
 * @param script puts it in `$work/bin`. What else it leaves in `$work` is removed.
 * @returns the paths of what the directory has.
 */
export async function buildOnce(
  directory: string,
  script: string,
  { timeoutMs = 1_800_000 }: { readonly timeoutMs?: number } = {},
): Promise<string> {
  await succeed(
    host,
    `set -e
    if [ -n "$(ls ${directory} 2>/dev/null)" ]; then exit; fi
    work=$(mktemp -d ${directory}-XXXXXX)
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
    mkdir "$work/bin"
    # Its sources are of no use afterwards; what is in the machine's own cache is.
    ${script}
    # Atomically, also with two test runs at once.
    mv -T "$work/bin" ${directory} 2>/dev/null || test -n "$(ls ${directory})"`,
    { timeoutMs },
  );
  return succeed(host, `ls -d ${directory}/*`);
}
