import { expect, it } from 'vitest';
import { decodeHexEscapes } from './hex-escapes.ts';

it.each([
  ['plain', 'plain'],
  [String.raw`m\x2d2`, 'm-2'],
  [String.raw`\x5c`, '\\'],
  [String.raw`caf\xc3\xa9`, 'café'],
  [String.raw`\xff\xfe`, '\ufffd\ufffd'],
  // These are not escapes: upper case, too short.
  [String.raw`\x2D`, String.raw`\x2D`],
  [String.raw`\x2`, String.raw`\x2`],
])('%j decodes to %j', (text, expected) => {
  expect(decodeHexEscapes(text)).toBe(expected);
});
