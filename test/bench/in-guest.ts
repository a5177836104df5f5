/**
 * Runs the bench on pure cgroup v2, in an emulated guest that counts instructions: `npm run bench:v2 -- --against DIR`, where DIR is the
 * built checkout of another commit. `--write` puts the table into docs/performance.md.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bootGuest, SHARE_IN_GUEST } from '../lab/guest.ts';
import { quote, succeed } from '../lab/machine.ts';
import { prepareLab } from '../lab/prepare.ts';
import { withSection } from '../page-section.ts';
import { COUNTED, type Numbers, renderCounted } from './performance-page.ts';

const PAGE = new URL('../../docs/performance.md', import.meta.url);

/** The guest's clock stands still while it is not emulated, so this is far more than its own time. */
const TIMEOUT_MS = 3_600_000;

const { values: options } = parseArgs({
  options: {
    against: { type: 'string' },
    containers: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '15' },
    write: { type: 'boolean', default: false },
  },
});

const { guest: missing } = await prepareLab(['guest']);
if (missing !== undefined) throw new Error(missing.text);

const { machine, results } = await measure();
const table = renderCounted(machine, results);
console.log(table);
if (options.write) {
  writeFileSync(
    PAGE,
    withSection(readFileSync(PAGE, 'utf8'), COUNTED, () => table),
  );
}

async function measure(): Promise<{ readonly machine: string; readonly results: readonly Numbers[] }> {
  const { against, containers, rounds } = options;
  const bench = fileURLToPath(new URL('counted.ts', import.meta.url));
  const argv = ['--json', `${SHARE_IN_GUEST}/files/counted.json`, '--containers', containers, '--rounds', rounds];
  const flags = [...argv, ...(against === undefined ? [] : ['--against', against])];
  const directory = mkdtempSync('/tmp/isolation-exporter-guest-');
  await using guest = await bootGuest({ flavour: 'counting', directory, owner: process.pid });
  await succeed(guest, `cd ${quote(process.cwd())} && node --import tsx ${quote(bench, ...flags)}`, {
    timeoutMs: TIMEOUT_MS,
  });
  return JSON.parse(readFileSync(`${guest.share}/files/counted.json`, 'utf8'));
}
