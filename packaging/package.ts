/**
 * Builds the packages of distributions from this checkout into a directory, after `npm ci`:
 *
 *     npm run package [DIRECTORY]
 */
import { mkdirSync } from 'node:fs';
import { buildDeb } from './deb.ts';
import { thisCheckout } from './source.ts';

const [directory = 'packages'] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
console.log(buildDeb(thisCheckout(process.env), directory));
