import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exportedLabels, parseLabelNames } from './container-labels.ts';

const exported = (...names: readonly string[]) => exportedLabels(names).map(({ exportedAs }) => exportedAs);

test('names are those of kube-state-metrics', () => {
  expect(exported('app', 'app.kubernetes.io/name', 'a-b', '7', 'Ü')).toEqual([
    'label_app',
    'label_app_kubernetes_io_name',
    'label_a_b',
    'label_7',
    'label__',
  ]);
});

test('two labels never have the same name', () => {
  expect(exported('a.b', 'c', 'a-b', 'a.b', 'a_b_conflict1')).toEqual([
    'label_a_b_conflict2',
    'label_c',
    'label_a_b_conflict3',
    'label_a_b_conflict1',
  ]);
  const name = fc.string({ unit: fc.constantFrom('a', '.', '-', '_', '_conflict1'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 20 }), (names) => {
      const found = exported(...names);
      expect(new Set(found).size).toBe(names.length);
      for (const each of found) expect(each).toMatch(/^label_[a-zA-Z0-9_]+$/);
    }),
  );
});

test.each<[string, readonly string[] | undefined]>([
  ['a', ['a']],
  ['a, b/c.d-e', ['a', 'b/c.d-e']],
  ['', undefined],
  ['a,', undefined],
  ['a b', undefined],
  ['a\u0000', undefined],
  ['x'.repeat(250), ['x'.repeat(250)]],
  ['x'.repeat(251), undefined],
])('%j is read as %j', (text, names) => {
  expect(parseLabelNames(text)).toEqual(names);
});
