import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alternativeNames } from './alternative-names.ts';

test.each([
  [undefined, []],
  ['', []],
  ['DNS:prometheus.example', ['prometheus.example']],
  [
    'DNS:a, IP Address:127.0.0.1, URI:spiffe://a/b, email:ops@example.org',
    ['a', '127.0.0.1', 'spiffe://a/b', 'ops@example.org'],
  ],
  ['IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:0:2', ['::1', '2001:db8::2']],
  ['IP Address:<invalid length=5>', ['<invalid length=5>']],
  ['URI:"http://a, DNS:b", DNS:c', ['http://a, DNS:b', 'c']],
  ['DirName:"CN=x, DNS:prometheus", DNS:c', ['c']],
  ['othername:<unsupported>, DNS:c', ['c']],
  ['URI:"a\\x", DNS:c', ['c']],
  ['URI:"a, DNS:c', []],
])('%j has %j', (text, names) => {
  expect(alternativeNames(text)).toEqual(names);
});

test('no text of a client makes it fail', () => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(alternativeNames(`IP Address:${text}, URI:"${text}"`))));
});
