import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SEVERITIES } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { LEVELS } from '../findings/level.ts';
import { DEFAULT_VIEW, isFiltered, linkTo, naturalOrder, parseView, SORT_KEYS, type View } from './view.ts';

test('without a query, the worst containers come first', () => {
  expect(parseView('')).toEqual(DEFAULT_VIEW);
  expect(linkTo(DEFAULT_VIEW)).toBe('?');
  expect(isFiltered(DEFAULT_VIEW)).toBe(false);
});

test.each([
  ['sort=memory', { sort: 'memory', order: 'descending' }],
  ['sort=memory&order=ascending', { sort: 'memory', order: 'ascending' }],
  ['sort=name', { sort: 'name', order: 'ascending' }],
  ['search=%20we%20b%20', { search: 'we b' }],
  ['level=weakened', { level: 1 }],
  ['level=unknown', { level: 'unknown' }],
  ['severity=high', { severity: 'high' }],
  ['finding=privileged', { finding: 'privileged' }],
  // Invalid parameters are ignored.
  ['sort=colour&order=up&level=7&severity=severe&finding=%3Cscript%3E&x=y', {}],
  ['level=&severity=&finding=&search=', {}],
  ['%', {}],
  [`search=${'x'.repeat(1000)}`, { search: 'x'.repeat(200) }],
])('%s', (query, changes) => {
  expect(parseView(query)).toEqual({ ...DEFAULT_VIEW, ...changes });
});

test('a link parses to its view', () => {
  const view: fc.Arbitrary<View> = fc.record({
    sort: fc.constantFrom(...SORT_KEYS),
    order: fc.constantFrom('ascending', 'descending'),
    search: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.trim()),
    level: fc.constantFrom(undefined, 'unknown' as const, ...LEVELS.keys()),
    severity: fc.constantFrom(undefined, ...SEVERITIES),
    finding: fc.constantFrom(undefined, ...findings.map(({ id }) => id)),
  });
  fc.assert(
    fc.property(view, (each) => {
      const link = linkTo(each);
      expect(parseView(link.slice(1))).toEqual(each);
      expect(link).toMatch(/^\?[\w.*~%&=+-]*$/);
    }),
  );
});

test('a column starts with its natural order', () => {
  expect(SORT_KEYS.filter((key) => naturalOrder(key) === 'ascending')).toEqual(['name', 'level']);
});
