import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { collectors } from '../src/collectors/index.ts';

const families = collectors.flatMap((collector) => collector.families.map((family) => ({ collector, ...family })));
const RESERVED = new Set(['le', 'quantile', 'type', 'job', 'instance', 'engine', 'pod', 'container', 'namespace']);

describe('every collector', () => {
  it('is in the list under the name of its file', () => {
    const files = readdirSync(new URL('../src/collectors/', import.meta.url)).filter((file) => {
      const text = readFileSync(new URL(`../src/collectors/${file}`, import.meta.url), 'utf8');
      return !file.endsWith('.test.ts') && /: Collector = define(Container|Host|Kept)Collector\(/.test(text);
    });
    expect(files.toSorted()).toEqual(collectors.map(({ name }) => `${name}.ts`).toSorted());
  });
});

describe('every family', () => {
  it('has a unique name', () => {
    const names = families.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(families.map((family) => [family.name, family] as const))('%s follows the rules', (name, family) => {
    expect(name).toMatch(/^isolation_[a-z0-9_]+$/);
    expect(name.endsWith('_total')).toBe(family.type === 'counter');
    expect(name.endsWith('_info')).toBe(family.type === 'info');
    expect(family.help).toMatch(/^[A-Z].*\.$/);
    const labels = 'labels' in family ? family.labels : [];
    for (const label of labels) {
      expect(label).toMatch(/^[a-z][a-z0-9_]*$/);
      // Only the metrics of the host may name an engine themselves.
      expect(RESERVED.has(label) && !(label === 'engine' && family.collector.scope === 'host')).toBe(false);
    }
  });
});
