import fc from 'fast-check';
import { expect, test } from 'vitest';
import { globMatcher } from './glob.ts';

test.each([
  ['web', ['web'], ['', 'web-1', 'my-web', 'Web', 'we']],
  ['web-*', ['web-', 'web-1', 'web-1-2'], ['web', 'my-web-1', '']],
  ['*-web', ['-web', 'a-web', 'a-web-web'], ['web', 'a-web-1']],
  ['*', ['', 'web', 'a/b:c@d'], []],
  ['**', ['', 'web'], []],
  ['a*a', ['aa', 'aba', 'aaa'], ['a', 'ab', 'baa']],
  ['a*b*c', ['abc', 'a-b-b-c', 'aXbXc'], ['ac', 'acb', 'abcd']],
  ['a*bc*bc', ['abcbc', 'a-bc-bc'], ['abc', 'a-bc']],
  ['registry.example/agent:*', ['registry.example/agent:1.2', 'registry.example/agent:'], ['registryXexample/agent:1']],
  ['[a-z]?', ['[a-z]?'], ['b', 'bc']],
])('%j matches %j and not %j', (pattern, yes, no) => {
  const matches = globMatcher(pattern);
  expect([...yes, ...no].filter((text) => matches(text))).toEqual(yes);
});

test('matches as a regular expression would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (glob, subject) => {
      const expression = glob
        .split('*')
        .map((part) => part.replaceAll('.', '\\.'))
        .join('.*');
      expect(globMatcher(glob)(subject)).toBe(new RegExp(`^${expression}$`, 's').test(subject));
    }),
    { numRuns: 1_000 },
  );
});

test('takes little time for a pattern that would make a regular expression try for ever', () => {
  const matches = globMatcher(`${'*a'.repeat(120)}*b`);
  const started = performance.now();
  expect(matches('a'.repeat(1_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(100);
});
