import { expect, test } from 'vitest';
import type { Container } from '../container.ts';
import type { Scrape } from './collector.ts';
import { readNetwork } from './network.ts';

const HEADER = 'Inter-|   Receive  |  Transmit\n face |bytes    packets errs drop |bytes    packets\n';
const lineOf = (name: string): string => `${name.padStart(6)}: ${'1 '.repeat(15)}1\n`;

/** A container with its own network. */
function inNetworkOf(names: readonly string[]): readonly [Container, Scrape] {
  const bytes = Buffer.from(HEADER + names.map(lineOf).join(''));
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
  expect(readNetwork(...inNetworkOf(there))?.map(({ name }) => name)).toEqual(expected);
});
