import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { markdownTable } from './page-section.ts';
import { REAL_CASES } from './real-cases.ts';

const ROOT = new URL('../', import.meta.url);

const INTRODUCTION = `Conditions on real hosts in which an exporter of containers may say something wrong. Each comes from a public report
or from a platform that was looked at, and has tests with the right value. test/real-cases.ts has the list, with the names of the tests.`;

describe.each(Object.entries(REAL_CASES))('%s', (_, cases) => {
  it.each(cases.map((each) => [each.condition, each] as const))('%s: has its test', (__, { tests }) => {
    expect(Object.keys(tests)).not.toEqual([]);
    for (const [file, words] of Object.entries(tests)) {
      expect(existsSync(new URL(file, ROOT)), file).toBe(true);
      expect(readFileSync(new URL(file, ROOT), 'utf8'), file).toContain(words);
    }
  });
});

it('no condition is there twice', () => {
  const conditions = Object.values(REAL_CASES).flatMap((cases) => cases.map(({ condition }) => condition));
  expect([...new Set(conditions)]).toEqual(conditions);
});

// After a change: npx vitest run --project program -u
it('docs/real-cases.md lists them', async () => {
  const tables = Object.entries(REAL_CASES).map(([subject, cases]) => {
    const rows = cases.map(({ condition, right, tests }) => [
      condition,
      right,
      Object.keys(tests)
        .map((file) => `[${file.slice(file.lastIndexOf('/') + 1)}](../${file})`)
        .join(', '),
    ]);
    return `## ${subject}\n\n${markdownTable(['Condition', 'Right', 'Tests'], rows)}`;
  });
  const page = `# Real cases\n\n${INTRODUCTION}\n\n${tables.join('\n')}`;
  await expect(page).toMatchFileSnapshot('../docs/real-cases.md');
});
