import { readFileSync, writeFileSync } from 'node:fs';
import { ATTACKS } from './attacks.ts';
import { withSection } from '../page-section.ts';
import { renderTable, TABLE } from './hostile-table.ts';
import { type AttackResult, Neighbours, runAttack } from './run-attack.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);

/**
 * Attacks the built exporter in every known way, beside containers that have nothing to do with it, and writes what came of it into
 * docs/reliability.md. Takes seven minutes, as root on a machine where the live tests run.
 *
 * Usage: npm run hostile [-- part of an attack's name]. With a name only the rows of these attacks change.
 */
async function main(part: string | undefined): Promise<void> {
  const results: AttackResult[] = [];
  await using neighbours = await Neighbours.start(40);
  for (const attack of ATTACKS.filter(({ name }) => part === undefined || name.includes(part))) {
    const result = await runAttack(attack, neighbours);
    console.error(JSON.stringify({ ...result, lost: result.lost.slice(0, 5), allLost: result.lost.length }));
    results.push(result);
  }
  const names = ATTACKS.map(({ name }) => name);
  console.log(renderTable(names, results));
  const page = withSection(readFileSync(PAGE, 'utf8'), TABLE, (before) => renderTable(names, results, before));
  writeFileSync(PAGE, page);
}

await main(process.argv[2]);
