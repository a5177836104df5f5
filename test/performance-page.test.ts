import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BACK_TO_BACK, COUNTED, PACED, renderCounted } from './bench/performance-page.ts';
import { rowsOfTable, withSection } from './page-section.ts';

const COSTS = {
  containers: 30,
  'floor cpu p50': 4.8,
  'plain cpu p50': 45,
  'gzip cpu p50': 50,
  'plain/floor cpu p50': 9.375,
  'gzip/floor cpu p50': 10.4167,
  'apart cpu p50': 60,
  'apart/floor cpu p50': 12.5,
};

it('leaves out the comparison with another build if there was none', () => {
  const alone = rowsOfTable(renderCounted('A machine.', [COSTS]));
  expect(alone).toEqual([
    ['Instructions of just reading the files', '4.8 million'],
    ['Instructions of a scrape', '45 million'],
    ['Instructions of a scrape with gzip', '50 million'],
    ['Scrape / reading', '× 9.38'],
    ['Scrape with gzip / reading', '× 10.42'],
    ['Instructions of a scrape 15 s after the last', '60 million'],
    ['Scrape 15 s after the last / reading', '× 12.5'],
  ]);
  const beside = rowsOfTable(renderCounted('A machine.', [{ ...COSTS, 'plain/other plain cpu p50': 0.5 }]));
  expect(beside).toContainEqual(['Scrape / that of the other build', '× 0.5']);
});

it('finds in docs/performance.md where each table goes, with a table of rows that it still has', () => {
  const page = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8');
  for (const section of [BACK_TO_BACK, PACED, COUNTED]) {
    let before = '';
    withSection(page, section, (found) => (before = found));
    expect(rowsOfTable(before).length).toBeGreaterThan(0);
    if (section !== COUNTED) continue;
    const other = { 'plain/other plain cpu p50': 1, 'gzip/other gzip cpu p50': 1, 'apart/other apart cpu p50': 1 };
    const titles = rowsOfTable(renderCounted('', [{ ...COSTS, ...other }])).map(([title]) => title);
    expect(titles).toEqual(expect.arrayContaining(rowsOfTable(before).map(([title]) => title)));
  }
});
