import { expect, test } from 'vitest';
import { bytesText, levelText, limitText, nameOf, numberText } from './wording.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [64 * 1024 ** 2, '64 MiB'],
  [100.4 * 1024 ** 2, '100 MiB'],
  [1024 ** 3 - 1, '1 GiB'],
  [2 ** 62, '4 EiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test.each([
  [0.5, '0.5'],
  [1 / 3, '0.333'],
  [2, '2'],
  [12.34, '12.3'],
  [32_768, '32768'],
])('%d is %s', (value, text) => {
  expect(numberText(value)).toBe(text);
});

test('a limit, no limit, a shared limit and an unknown limit differ', () => {
  const texts = [
    { limit: 100, limited: true },
    { limit: Infinity, limited: false },
    { limit: 100, limited: false },
    { limit: undefined, limited: undefined },
    { limit: undefined, limited: true },
  ].map((limit) => limitText(limit, numberText));
  expect(texts).toEqual(['100', 'no limit', 'no limit', '?', '?']);
});

test('a level shows whether it is certain', () => {
  expect(levelText({ level: 2, levelName: 'standard', certain: true })).toBe('2 standard');
  expect(levelText({ level: 1, levelName: 'weakened', certain: false })).toBe('≥ 1 weakened');
  expect(levelText(undefined)).toBe('?');
});

test('a name includes its pod', () => {
  expect(nameOf({ engine: 'docker', namespace: '', pod: '', container: 'web' })).toBe('web');
  expect(nameOf({ engine: 'cri-o', namespace: 'shop', pod: 'cart-1', container: 'app' })).toBe('shop/cart-1/app');
});
