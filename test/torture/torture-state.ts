import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { markdownTable, type Section, withSection } from '../page-section.ts';
import { cutEverywhere, type FaultResult, fillDisk, flipEachBit, killWriters } from './state-faults.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);
const TABLE: Section = {
  begin: '<!-- The table below is made by `npm run torture:state`. -->',
  end: '<!-- The end of the table of the state file. -->',
};

/**
 * Damages the state file in every way that we know, and writes what came of it into docs/reliability.md. Takes a few minutes, as root.
 *
 * Usage: npm run torture:state
 */
const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-torture-state-'));
try {
  const results: readonly FaultResult[] = [
    await killWriters(directory, 1_000),
    cutEverywhere(directory),
    flipEachBit(directory),
    await fillDisk(directory, 20),
  ];
  const header = ['Fault', 'Times', 'Lost', 'Wrong', 'Log lines, at most'];
  const rows = results.map(({ fault, times, lost, wrong, logLines }) => [
    fault,
    ...[times, lost, wrong, logLines].map((count) => count.toLocaleString('en')),
  ]);
  const table = markdownTable(
    header,
    rows,
    header.map((_, nth) => (nth === 0 ? 'text' : 'number')),
  );
  console.log(table);
  writeFileSync(
    PAGE,
    withSection(readFileSync(PAGE, 'utf8'), TABLE, () => table),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
