/**
 * Builds the packages of distributions from this checkout into `packages/`, after `npm ci`: those whose tool this
 * machine has (dpkg-deb, rpmbuild), or those that are named.
 *
 *     npm run package [deb] [rpm]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { buildDeb } from './deb.ts';
import { buildRpm } from './rpm.ts';
import { thisCheckout } from './source.ts';

const BUILDERS = { deb: { tool: 'dpkg-deb', build: buildDeb }, rpm: { tool: 'rpmbuild', build: buildRpm } } as const;
type Format = keyof typeof BUILDERS;

const isFormat = (text: string): text is Format => Object.hasOwn(BUILDERS, text);
const isHere = (tool: string) => spawnSync(tool, ['--version']).status === 0;

const named = process.argv.slice(2);
const unknown = named.find((text) => !isFormat(text));
if (unknown !== undefined)
  throw new Error(`unknown format '${unknown}': expected ${Object.keys(BUILDERS).join(' or ')}`);
const formats = named.length > 0 ? named.filter(isFormat) : (Object.keys(BUILDERS) as Format[]);
const source = thisCheckout(process.env);
mkdirSync('packages', { recursive: true });
for (const format of formats) {
  const { tool, build } = BUILDERS[format];
  if (named.length > 0 || isHere(tool)) console.log(build(source, 'packages'));
  else console.log(`no ${format}: ${tool} is not installed`);
}
