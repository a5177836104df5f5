/**
 * Builds a release from this checkout into `releases/VERSION`, after `npm ci`. RELEASING.md has the steps around it.
 *
 *     npm run release
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildRelease } from './release-folder.ts';
import { thisCheckout } from './source.ts';
import { notReleasable } from './versions.ts';

const source = thisCheckout(process.env);
const changed = execFileSync('git', ['-C', source.root, 'status', '--porcelain'], { encoding: 'utf8' });
const problems = [
  ...notReleasable(source.root, source.version),
  ...(changed === '' ? [] : ['there are uncommitted changes']),
];
if (problems.length > 0) {
  console.error(['not released:', ...problems].join('\n  '));
  process.exit(1);
}
const directory = join(source.root, 'releases', source.version);
mkdirSync(join(source.root, 'releases'), { recursive: true });
buildRelease(source, directory);
console.log(readFileSync(join(directory, 'SHA256SUMS'), 'utf8').trimEnd());
