import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Platform, renderPlatforms } from './platforms/platforms-table.ts';

const DOCKER: Platform = {
  kernel: '6.1.0',
  cgroups: 'v2',
  engine: 'Docker',
  version: '20.10.24, runc 1.1.5',
  works: ['names', 'limits'],
  date: '2026-11-01',
};

const rowsOf = (page: string) => page.split('\n').filter((line) => /^\| \d/.test(line));

test('a platform that is tried again replaces its row, and the others stay', () => {
  const podman = { ...DOCKER, engine: 'Podman', version: '5.4' };
  const first = renderPlatforms([podman, DOCKER], '');
  expect(rowsOf(first)).toHaveLength(2);
  const again = renderPlatforms([{ ...DOCKER, works: ['names'], date: '2026-11-29' }], first);
  expect(rowsOf(again)).toEqual([
    '| 6.1.0 | v2 | Docker | 20.10.24, runc 1.1.5 | names | 2026-11-29 |',
    '| 6.1.0 | v2 | Podman | 5.4 | names; limits | 2026-11-01 |',
  ]);
  expect(renderPlatforms([], again)).toBe(again);
});

test('docs/platforms.md is as the command writes it', () => {
  const page = readFileSync(new URL('../docs/platforms.md', import.meta.url), 'utf8');
  expect(renderPlatforms([], page)).toBe(page);
  expect(rowsOf(page).length).toBeGreaterThan(0);
});
