import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withSection } from '../page-section.ts';
import { CHURN, renderChurn } from './churn-table.ts';
import { VARIANTS } from './churn-variants.ts';
import { runChurn } from './run-churn.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);

/**
 * Lets containers come and go in waves beside the built exporter, under each condition, and writes what came of it into
 * docs/reliability.md. Takes about an hour, as root on a machine where the live tests run.
 *
 * Usage: npm run churn [-- --containers 20000] [--wave 500] [part of a variant's name]. With a name only these rows change.
 */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { containers: { type: 'string', default: '20000' }, wave: { type: 'string', default: '500' } },
});
const size = { containers: Number(options.containers), wave: Number(options.wave) };

for (const variant of VARIANTS.filter(({ name }) => name.includes(positionals[0] ?? ''))) {
  const result = await runChurn(variant, size);
  console.error(JSON.stringify(result));
  // At once: a run takes so long that it may be interrupted.
  writeFileSync(
    PAGE,
    withSection(readFileSync(PAGE, 'utf8'), CHURN, (before) => renderChurn([result], before)),
  );
}
