import { expect, test } from 'vitest';
import type { Container } from '../container.ts';
import { takeUnreadable } from './cgroup-value.ts';
import type { Scrape } from './collector.ts';
import { readNetwork } from './network.ts';

const HEADER = 'Inter-|   Receive  |  Transmit\n face |bytes    packets errs drop |bytes    packets\n';
const lineOf = (name: string, received = '1'): string => `${name.padStart(6)}: ${received} ${'1 '.repeat(14)}1\n`;

/** A container with its own network. */
function inNetworkOf(lines: readonly string[]): readonly [Container, Scrape] {
  const bytes = Buffer.from(HEADER + lines.join(''));
  const container = {
    init: { namespaces: { net: 2 }, files: { read: () => bytes }, startTime: 0 },
    cgroup: { path: '/docker/a' },
  } as unknown as Container;
  const scrape = {
    hostNamespaces: new Map([['net', { inode: 1, source: 'pid1' }]]),
    members: () => [container],
  } as unknown as Scrape;
  return [container, scrape];
}

test.each([
  ['all interfaces but lo', ['lo', 'eth0', 'eth1'], ['eth0', 'eth1']],
  [
    '256 interfaces where a container makes more',
    [...Array(300).keys()].map(String),
    [...Array(256).keys()].map(String),
  ],
  ['256 beside lo', ['lo', ...[...Array(300).keys()].map(String)], [...Array(256).keys()].map(String)],
])('reads %s', (_, there, expected) => {
  const lines = there.map((name) => lineOf(name));
  expect(readNetwork(...inNetworkOf(lines))?.map(({ name }) => name)).toEqual(expected);
});

test.each(['-1', '18446744073709551613', '1k'])('loses only the count that is %j', (received) => {
  takeUnreadable();
  const rest = { packets: 1, errors: 1, dropped: 1 };
  expect(readNetwork(...inNetworkOf([lineOf('eth0', received), lineOf('eth1')]))).toEqual([
    { name: 'eth0', receive: { bytes: undefined, ...rest }, transmit: { bytes: 1, ...rest } },
    { name: 'eth1', receive: { bytes: 1, ...rest }, transmit: { bytes: 1, ...rest } },
  ]);
  expect(takeUnreadable()?.message).toMatch(/^net\/dev: Cannot parse " +eth0: /);
});
