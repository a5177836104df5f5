import { expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { supportTable } from './support-table.ts';

const PAGE = fileURLToPath(new URL('../docs/stability.md', import.meta.url));

it('docs/stability.md lists the versions that the suites run on', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const filled = page.replace(
    /(<!-- support -->\n\n)[^]*?(\n\n<!-- \/support -->)/,
    (_, before: string, after: string) => `${before}${supportTable()}${after}`,
  );
  expect(filled).toContain('| Node.js |');
  await expect(filled).toMatchFileSnapshot(PAGE);
});
