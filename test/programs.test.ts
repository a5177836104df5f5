import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const scripts = [...readFileSync(join(ROOT, 'package.json'), 'utf8').matchAll(/tsx (\S+\.ts)/g)].map(
  ([, file = '']) => file,
);
const tools = readdirSync(join(ROOT, 'tools')).filter((name) => name.endsWith('.ts'));
/** Those of package.json, and all tools. */
const PROGRAMS = [...new Set([...scripts, ...tools.map((name) => `tools/${name}`), 'test/pictures/take.ts'])];

describe('a program of this repository', () => {
  // The set-up of suites asks Vitest, which ends any other process.
  it.each(PROGRAMS)('imports nothing that only runs in a test: %s', (program) => {
    const chains = new Map([[program, program]]);
    for (const [file, chain] of chains) {
      for (const name of importsOf(file)) {
        const target = name.startsWith('.') ? join(dirname(file), name) : name;
        if (!chains.has(target)) chains.set(target, `${chain} > ${target}`);
      }
    }
    expect(chains.get('vitest')).toBeUndefined();
  });
});

/** What a file of the repository loads: packages by name, files by relative path. None of a package. */
function importsOf(file: string): string[] {
  if (!/\.[jt]s$/.test(file) || !/^(?:src|test|tools|packaging|grafana)\//.test(file)) return [];
  const text = readFileSync(join(ROOT, file), 'utf8');
  return Array.from(
    text.matchAll(/^(?:import|export) (?!type )(?:[^'";]*? from )?'([^']+)';/gm),
    ([, name = '']) => name,
  );
}
