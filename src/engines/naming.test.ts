import { describe, expect, test } from 'vitest';
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

describe('a cgroup with the id of another container', () => {
  const VICTIM: CgroupMatch = { engine: 'containerd', id: 'a', podUid: 'p', infra: false };
  const USERS: CgroupMatch = { ...VICTIM, podUid: 'made-up', ownerUid: 1000, territory: '/user.slice/user-1000.slice' };
  const NESTED: CgroupMatch = { ...VICTIM, outer: { engine: 'docker', id: 'b', infra: false }, territory: '/docker/b' };
  const OF_SERVICE: CgroupMatch = { ...VICTIM, territory: '/system.slice/ci.service' };
  const IN_LOG: CgroupMatch = { engine: 'docker', id: 'a', ownerUid: 1000, infra: false };

  function record(): { readonly naming: Naming; readonly asked: string[] } {
    const asked: string[] = [];
    const recording: NameSource = {
      ...source('cri', { up: true, names: FROM_CRI }),
      namesOf: (id) => (id === 'a' || id.startsWith('named') ? FROM_CRI : undefined),
      lifeOf: () => ({ restarts: 3 }),
      want: (id, { podUid, cgroup } = {}) => void asked.push(`want ${id} ${podUid} ${cgroup}`),
      forget: (id) => void asked.push(`forget ${id}`),
    };
    return { naming: new Naming([recording]), asked };
  }

  test.each([
    ['of a user', USERS],
    ['in another container', NESTED],
    ['of a service with a user of its own', OF_SERVICE],
    ['that only the log of the kernel has shown', IN_LOG],
  ])('gets no names and changes none: one %s', (_, impostor) => {
    const { naming, asked } = record();
    naming.want(VICTIM, '/kubepods/podp/a');
    if (impostor !== IN_LOG) naming.want(impostor, '/elsewhere/a');
    expect(naming.namesOf(impostor, 0)).toBe(NO_NAMES);
    expect(naming.lifeOf(impostor)).toBeUndefined();
    expect(naming.namesOf(VICTIM, 0)).toBe(FROM_CRI);
    expect(naming.lifeOf(VICTIM)).toEqual({ restarts: 3 });
    naming.forget(impostor);
    // After its end, for its kills.
    naming.want(impostor);
    expect(naming.namesOf(impostor, 0)).toBe(NO_NAMES);
    naming.forget(impostor);
    expect(asked).toEqual(['want a p /kubepods/podp/a']);
    naming.forget(VICTIM);
    expect(asked).toEqual(['want a p /kubepods/podp/a', 'forget a']);
  });

  test('loses the names when the container comes', () => {
    const { naming, asked } = record();
    naming.want(USERS, '/elsewhere/a');
    expect(naming.namesOf(USERS, 0)).toBe(FROM_CRI);
    naming.want(VICTIM, '/kubepods/podp/a');
    expect(naming.namesOf(USERS, 0)).toBe(NO_NAMES);
    expect(naming.namesOf(VICTIM, 0)).toBe(FROM_CRI);
    expect(asked).toEqual(['want a made-up /elsewhere/a', 'want a p /kubepods/podp/a']);
  });

  test.each([
    ['of a user', USERS],
    ['in another container', NESTED],
    ['of a service with a user of its own', OF_SERVICE],
  ])('gets no names of a container that has ended, either: one %s', (_, impostor) => {
    const { naming, asked } = record();
    naming.want(VICTIM, '/kubepods/podp/a');
    naming.forget(VICTIM);
    naming.want(impostor, '/elsewhere/a');
    expect(naming.namesOf(impostor, 0)).toBe(NO_NAMES);
    expect(naming.lifeOf(impostor)).toBeUndefined();
    naming.forget(impostor);
    expect(asked).toEqual(['want a p /kubepods/podp/a', 'forget a']);
    const again = { ...VICTIM };
    naming.want(again, '/kubepods/podp/a');
    expect(naming.namesOf(again, 0)).toBe(FROM_CRI);
  });

  test('gets no names of another user’s container that has ended, and any number of ids makes nobody forget that', () => {
    const { naming } = record();
    naming.want(USERS, '/user.slice/user-1000.slice/a');
    naming.forget(USERS);
    for (let index = 0; index < 25_000; index += 1) {
      // Some have names: they are containers of an engine of the same user.
      const made = { ...OF_SERVICE, engine: 'made-up', id: index % 2 === 0 ? String(index) : `named-${index}` };
      naming.want(made, `/system.slice/ci.service/${index}`);
      naming.forget(made);
    }
    naming.want(OF_SERVICE, '/system.slice/ci.service/a');
    expect(naming.namesOf(OF_SERVICE, 0)).toBe(NO_NAMES);
    const again = { ...USERS };
    naming.want(again, '/user.slice/user-1000.slice/a');
    expect(naming.namesOf(again, 0)).toBe(FROM_CRI);
  });

  test('gets no names of a container that ended before the exporter was started, if its engine is of the host’s root', () => {
    const engine = source('docker', { up: true, running: new Set(), names: FROM_CRI });
    const naming = new Naming([engine]);
    naming.want(USERS, '/elsewhere/a');
    // Nothing says yet whose engine it is.
    expect(naming.namesOf(USERS, 0)).toBe(FROM_CRI);
    expect([...naming.liveIdsOf(engine)]).toEqual(['a']);
    const other = { ...VICTIM, id: 'c' };
    naming.want(other, '/docker/c');
    expect(naming.namesOf(other, 0)).toBe(FROM_CRI);
    expect(naming.namesOf(USERS, 0)).toBe(NO_NAMES);
    expect(naming.lifeOf(USERS)).toBeUndefined();
    // A running container with this id has no cgroup.
    expect([...naming.liveIdsOf(engine)]).toEqual(['c']);
  });

  test('in a slice that has the name of a user’s, but is of the host’s root, is a container of root’s engine', () => {
    const naming = new Naming([source('docker', { up: true, running: new Set(), names: FROM_CRI })]);
    const placed: CgroupMatch = { engine: 'docker', id: 'a', ownerUid: 1000, infra: false };
    naming.want(placed, '/user.slice/user-1000.slice/docker-a.scope');
    for (let round = 0; round < 2; round += 1) expect(naming.namesOf(placed, 0)).toBe(FROM_CRI);
    naming.forget(placed);
    expect(naming.namesOf(placed, 0)).toBe(FROM_CRI);
  });

  test('is another matter than one that was started again, also one of a user', () => {
    const { naming } = record();
    const again = { ...USERS };
    naming.want(again, '/user.slice/user-1000.slice/a');
    expect(naming.namesOf(USERS, 0)).toBe(FROM_CRI);
    expect(naming.namesOf({ ...VICTIM }, 0)).toBe(FROM_CRI);
    expect(naming.namesOf({ ...again, territory: '/user.slice/user-2000.slice', ownerUid: 2000 }, 0)).toBe(NO_NAMES);
  });
});
