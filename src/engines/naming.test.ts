import { expect, test } from 'vitest';
import type { CgroupMatch, Names } from '../container.ts';
import type { NameSource } from './name-source.ts';
import { isNamed, Naming, NO_NAMES } from './naming.ts';

const MATCH: CgroupMatch = { engine: 'containerd', id: 'a', podUid: 'p', infra: false };
const FROM_CRI: Names = { namespace: 'n', pod: 'p', containerInPod: 'c', image: 'i' };
const FROM_LOGS: Names = { namespace: 'n', pod: 'p', containerInPod: 'c' };
const OF_POD: Names = { namespace: 'n', pod: 'p' };

function source(
  name: string,
  known: Partial<Pick<NameSource, 'up' | 'running'>> & { names?: Names; pod?: Names },
): NameSource {
  return {
    name,
    up: known.up,
    ...(known.running && { running: known.running }),
    tried: true,
    limitHits: new Map(),
    mayKnow: () => true,
    namesOf: () => known.names,
    podOf: () => known.pod,
    want() {},
    forget() {},
    [Symbol.asyncDispose]: async () => {},
  };
}

test.each<[string, cri: Parameters<typeof source>[1], waitedMs: number, expected: Names | undefined]>([
  ['the first source', { up: true, names: FROM_CRI }, 0, FROM_CRI],
  ['a wait for the first source that answers', { up: true }, 1_999, undefined],
  ['the second after the wait', { up: true }, 2_000, FROM_LOGS],
  ['the second at once if the first does not answer', { up: false }, 0, FROM_LOGS],
  ['the second at once if the first is not there', { up: undefined }, 0, FROM_LOGS],
])('the names are those of %s', (_, cri, waitedMs, expected) => {
  const naming = new Naming([source('cri', cri), source('kubelet_logs', { up: true, names: FROM_LOGS })]);
  expect(naming.namesOf(MATCH, waitedMs)).toBe(expected);
});

test('names from one of several engines need not wait for the others', () => {
  const running = new Set<string>();
  const named = source('docker:/b', { up: true, running, names: FROM_CRI });
  const naming = new Naming([source('docker:/a', { up: true, running }), named]);
  expect(naming.namesOf(MATCH, 0)).toBe(FROM_CRI);
});

test('the names of the pod are used once no more are expected', () => {
  const naming = new Naming([source('cri', { up: undefined }), source('kubelet_logs', { up: true, pod: OF_POD })]);
  expect(naming.namesOf(MATCH, 0)).toBeUndefined();
  expect(naming.namesOf(MATCH, 2_000)).toBe(OF_POD);
  expect(naming.sourceOf(MATCH, OF_POD)).toBe('kubelet_logs');
  expect(isNamed(OF_POD)).toBe(false);
});

test('the source of names is known', () => {
  const naming = new Naming([source('cri', { names: FROM_CRI }), source('kubelet_logs', { names: FROM_LOGS })]);
  expect(naming.sourceOf(MATCH, FROM_CRI)).toBe('cri');
  expect(naming.sourceOf(MATCH, FROM_LOGS)).toBe('kubelet_logs');
  expect(naming.sourceOf(MATCH, NO_NAMES)).toBeUndefined();
  expect([isNamed(FROM_LOGS), isNamed(NO_NAMES)]).toEqual([true, false]);
});
