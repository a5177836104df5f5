import { describe, expect, test } from 'vitest';
import { ContainerLogs, parseContainerLog } from './kubelet-logs.ts';

const UID = '6cf2e0c5-0b7a-4c2e-9a55-2d4b6a1f0c11';
const STATIC_UID = '9f3a4c1de0b24f7c8a6d5e4f3c2b1a71';
const ID = '0a4f'.repeat(16);
const link = (pod: string, namespace: string, container: string, id = ID) =>
  `${pod}_${namespace}_${container}-${id}.log`;
const target = (pod: string, namespace: string, container: string, uid = UID, base = '/var/log/pods/') =>
  `${base}${namespace}_${pod}_${uid}/${container}/0.log`;

describe('a link', () => {
  test('names pod, container and id', () => {
    expect(parseContainerLog(link('cart-0', 'shop', 'app'), target('cart-0', 'shop', 'app'))).toEqual({
      podUid: UID,
      names: { namespace: 'shop', pod: 'cart-0', containerInPod: 'app' },
      id: ID,
      isCut: false,
    });
  });

  test.each([
    ['of a static pod, whose uid is a hash', 'etcd-n1', 'kube-system', 'etcd', STATIC_UID],
    ['with dots and dashes in the names', 'web-7d4b9c.v1', 'a-b', 'c-d-0', UID],
    ['of one character each', 'p', 'n', 'c', UID],
    ['with the longest namespace and container', 'p', 'n'.repeat(63), 'c'.repeat(63), UID],
  ])('%s is understood', (_, pod, namespace, container, uid) => {
    expect(parseContainerLog(link(pod, namespace, container), target(pod, namespace, container, uid))).toMatchObject({
      podUid: uid,
      names: { namespace, pod, containerInPod: container },
    });
  });

  test.each(['/data/kubelet/logs/', '../pods/', ''])('may lead to logs below %j', (base) => {
    expect(parseContainerLog(link('p', 'n', 'c'), target('p', 'n', 'c', UID, base))).toBeDefined();
  });

  test.each([
    ['a target of another container', link('p', 'n', 'c'), target('p', 'n', 'other')],
    ['a target of another pod', link('p', 'n', 'c'), target('q', 'n', 'c')],
    ['a target elsewhere', link('p', 'n', 'c'), '/var/lib/docker/containers/x/x-json.log'],
    ['no target', link('p', 'n', 'c'), ''],
    ['a uid that is none', link('p', 'n', 'c'), target('p', 'n', 'c', 'x')],
    ['upper case', link('P', 'n', 'c'), target('P', 'n', 'c')],
    ['a dot in a namespace', link('p', 'n.n', 'c'), target('p', 'n.n', 'c')],
    ['a name that is too long', link('p', 'n'.repeat(64), 'c'), target('p', 'n'.repeat(64), 'c')],
    ['a dash at the end', link('p-', 'n', 'c'), target('p-', 'n', 'c')],
    ['control characters', link('p', 'n', 'c\n'), target('p', 'n', 'c\n')],
    ['an id that is none', link('p', 'n', 'c', 'x'.repeat(64)), target('p', 'n', 'c')],
    ['a short id that is not cut', link('p', 'n', 'c', ID.slice(0, 32)), target('p', 'n', 'c')],
    ['another suffix', `${link('p', 'n', 'c')}.gz`, target('p', 'n', 'c')],
  ])('is ignored with %s', (_, name, to) => {
    expect(parseContainerLog(name, to)).toBeUndefined();
  });

  test.each([
    [160, ID.slice(0, 59)],
    [215, ID.slice(0, 4)],
    // The cut removes the whole id, and even the end of the container's name.
    [240, ''],
  ])('of a pod of %i characters is cut', (length, id) => {
    const pod = 'p'.repeat(length);
    const container = 'c'.repeat(28);
    const name = `${link(pod, 'n', container).slice(0, 251)}.log`;
    expect(parseContainerLog(name, target(pod, 'n', container))).toEqual({
      podUid: UID,
      names: { namespace: 'n', pod, containerInPod: container },
      id,
      isCut: true,
    });
  });
});

describe('logs', () => {
  const logsOf = (...logs: readonly (readonly [pod: string, container: string, id: string, uid?: string])[]) =>
    new ContainerLogs(
      logs.map(([pod, container, id, uid]) => {
        const name = link(pod, 'n', container, id);
        return [name.length > 255 ? `${name.slice(0, 251)}.log` : name, target(pod, 'n', container, uid)];
      }),
    );

  test('name containers of a pod, and nothing with the id of another pod', () => {
    const logs = logsOf(['p', 'a', ID], ['p', 'b', '1'.repeat(64)]);
    expect(logs.size).toBe(2);
    expect(logs.namesOf(ID, UID)).toEqual({ namespace: 'n', pod: 'p', containerInPod: 'a' });
    expect(logs.namesOf('1'.repeat(64), UID)?.containerInPod).toBe('b');
    expect(logs.namesOf('2'.repeat(64), UID)).toBeUndefined();
    expect(logs.namesOf(ID, STATIC_UID)).toBeUndefined();
  });

  test('name the pod of a container without a log, such as a pause container', () => {
    const logs = logsOf(['p', 'a', ID]);
    expect(logs.podOf(UID)).toEqual({ namespace: 'n', pod: 'p' });
    expect(logs.podOf(UID)).toBe(logs.podOf(UID));
    expect(logs.podOf(STATIC_UID)).toBeUndefined();
  });

  test('that disagree name nothing', () => {
    const logs = logsOf(['p', 'a', ID], ['p', 'b', ID], ['q', 'a', '1'.repeat(64)]);
    expect(logs.namesOf(ID, UID)).toBeUndefined();
    expect(logs.podOf(UID)).toBeUndefined();
    expect(logs.namesOf('1'.repeat(64), UID)?.pod).toBe('q');
  });

  test('with the beginning of an id name the only container that begins so', () => {
    const pod = 'p'.repeat(200);
    const logs = logsOf([pod, 'a', ID], [pod, 'b', '1'.repeat(64)]);
    expect(logs.namesOf(ID, UID)?.containerInPod).toBe('a');
    expect(logs.namesOf(ID, STATIC_UID)).toBeUndefined();
    expect(logs.namesOf(`${ID.slice(0, 12)}${'f'.repeat(52)}`, UID)).toBeUndefined();
    // 4 digits are too few to identify a container.
    const long = logsOf(['p'.repeat(243), 'a', ID]);
    expect(long.namesOf(ID, UID)).toBeUndefined();
    expect(long.podOf(UID)?.pod).toHaveLength(243);
  });
});
