import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCount, parseDuration, parseEngineHost, parseListenAddress, parsePath, parseUrlPath } from './values.ts';

describe('parseListenAddress', () => {
  test.each([
    [':10061', undefined, 10061],
    [':0', undefined, 0],
    ['127.0.0.1:65535', '127.0.0.1', 65535],
    ['localhost:80', 'localhost', 80],
    ['host-1.example.org:80', 'host-1.example.org', 80],
    ['[::1]:80', '::1', 80],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ])('%s', (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port, text });
  });

  test.each([
    '',
    '10061',
    ':',
    ':x',
    ':65536',
    ':-1',
    '::1:80',
    '[::1]',
    '[::g]:80',
    '[localhost]:80',
    '127.0.0:80',
    '1.2.3.256:80',
    'http://x:80',
    'a b:80',
    '-x:80',
    'x..y:80',
    ':80\n',
    `${'x'.repeat(254)}:80`,
  ])('refuses %j', (text) => {
    expect(parseListenAddress(text)).toBeUndefined();
  });
});

describe('parseEngineHost', () => {
  test.each([
    ['unix:///run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['/run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['tcp://127.0.0.1:2375', { kind: 'tcp', protocol: 'http', host: '127.0.0.1', port: 2375 }],
    ['http://docker:2375/', { kind: 'tcp', protocol: 'http', host: 'docker', port: 2375 }],
    ['https://[::1]:2376', { kind: 'tcp', protocol: 'https', host: '::1', port: 2376 }],
  ])('%s', (text, host) => {
    expect(parseEngineHost(text)).toEqual({ ...host, text });
  });

  test.each([
    '',
    'unix://',
    'unix://run/x.sock',
    'run/x.sock',
    'tcp://:2375',
    'tcp://x',
    'tcp://x:0',
    'tcp://x:1/path',
    'ssh://x:22',
    'x:2375',
  ])('refuses %j', (text) => {
    expect(parseEngineHost(text)).toBeUndefined();
  });
});

describe('parseDuration', () => {
  test.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1m', 60_000],
    ['1m30s', 90_000],
    ['1h1m1s1ms', 3_661_001],
    ['0s', 0],
    ['1d12h', 129_600_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '10', 's', '-1s', '1.5s', '1s1m', '1 s', '1w', '1S', '9999999999s'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('reads sums of units', () => {
    const part = fc.nat(1000);
    fc.assert(
      fc.property(part, part, part, part, (h, m, s, ms) => {
        expect(parseDuration(`${h}h${m}m${s}s${ms}ms`)).toBe(((h * 60 + m) * 60 + s) * 1000 + ms);
      }),
    );
  });
});

test.each([
  ['/proc', '/proc'],
  ['/host/proc//', '/host/proc'],
  ['/', '/'],
  ['proc', undefined],
  ['', undefined],
  ['/a\0b', undefined],
])('parsePath(%j) is %j', (text, path) => {
  expect(parsePath(text)).toBe(path);
});

test.each([
  ['/metrics', '/metrics'],
  ['/', '/'],
  ['/a/b-c.d', '/a/b-c.d'],
  ['metrics', undefined],
  ['//x', undefined],
  ['/a?b', undefined],
  ['/a#b', undefined],
  ['/a b', undefined],
  ['/%41', undefined],
  ['/../metrics', undefined],
  ['/a/.', undefined],
  ['/a/./b', undefined],
  ['/...', '/...'],
  ['/.well-known/metrics', '/.well-known/metrics'],
])('parseUrlPath(%j) is %j', (text, path) => {
  expect(parseUrlPath(text)).toBe(path);
});

test.each([
  ['0', 0],
  ['40', 40],
  ['-1', undefined],
  ['1.5', undefined],
  ['', undefined],
  ['1e3', undefined],
  ['99999999999', undefined],
])('parseCount(%j) is %j', (text, count) => {
  expect(parseCount(text)).toBe(count);
});
