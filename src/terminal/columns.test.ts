import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutTo, widthOf, wrap } from './columns.ts';
import { printable } from './printable.ts';

test.each([
  ['', 0],
  ['web', 3],
  ['grün', 4],
  ['e\u0301', 1],
  ['容器', 4],
  ['한글', 4],
  ['🐳', 2],
])('%j takes %i columns', (text, width) => {
  expect(widthOf(text)).toBe(width);
});

test.each([
  [4, 'web', 'web'],
  [3, 'web', 'web'],
  [2, 'web', 'w…'],
  // Half of a wide character cannot be shown.
  [4, '容器容', '容…'],
])('cut to %i, %j is %j', (width, text, cut) => {
  expect(cutTo(width, text)).toBe(cut);
});

test('shortened text always fits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.string({ unit: 'grapheme' }), (width, text) => {
      expect(widthOf(cutTo(width, printable(text)))).toBeLessThanOrEqual(width);
    }),
  );
});

test('lines wrap at spaces', () => {
  expect(wrap(8, 'one two three fourteenth x')).toEqual(['one two', 'three', 'fourteenth', 'x']);
});

test('printable text has one line and no control characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // oxlint-disable-next-line no-control-regex
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
    }),
  );
  expect(printable('grün 容器 🐳')).toBe('grün 容器 🐳');
});
