import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Source } from './contents.ts';

/**
 * What a package is built from: this checkout. `SOURCE_DATE_EPOCH` sets the date (otherwise that of the last commit),
 * `DEBFULLNAME` and `DEBEMAIL` the maintainer, as in Debian's own tools.
 */
export function thisCheckout(environment: NodeJS.ProcessEnv): Source {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { name, version, description, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly description: string;
    readonly engines: { readonly node: string };
  };
  const {
    SOURCE_DATE_EPOCH: epoch = git(root, ['log', '-1', '--format=%ct']),
    DEBFULLNAME: person = `${name} maintainers`,
    DEBEMAIL: address = `maintainers@${name}.example`,
  } = environment;
  if (epoch === undefined || !/^\d+$/.test(epoch)) {
    throw new Error('Not a git checkout: set SOURCE_DATE_EPOCH to the date of the sources, in seconds');
  }
  return {
    root,
    name,
    version,
    description,
    node: engines.node,
    revision: git(root, ['rev-parse', 'HEAD']),
    date: new Date(Number(epoch) * 1000),
    maintainer: `${person} <${address}>`,
  };
}

/** The output of git; `undefined` if this is no checkout. */
function git(root: string, command: readonly string[]): string | undefined {
  try {
    return execFileSync('git', ['-C', root, ...command], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}
