import { expect, it } from 'vitest';
import { isAtOrBelow, nameOf, parentOf } from './paths.ts';

it.each([
  ['/a/b', '/a', 'b'],
  ['/a', '', 'a'],
  ['', '', ''],
])('%j has the parent %j and the name %j', (path, parent, name) => {
  expect(parentOf(path)).toBe(parent);
  expect(nameOf(path)).toBe(name);
});

it.each([
  ['/a', '/a', true],
  ['/a/b', '/a', true],
  ['/ab', '/a', false],
  ['/a', '/a/b', false],
  ['/a', '', true],
])('%j is at or below %j: %s', (path, top, expected) => {
  expect(isAtOrBelow(path, top)).toBe(expected);
});
