/**
 * Makes a version of what is unreleased, with today's date:
 *
 *     npm run set-version -- 0.2.0
 */
import { setVersion } from './versions.ts';

const [version = ''] = process.argv.slice(2);
setVersion(process.cwd(), version, new Date().toISOString().slice(0, 10));
