import { expect, test } from 'vitest';
import { identityOf, keyOf } from './identity.ts';

const inPod = (pod: string) => identityOf({ engine: 'containerd', namespace: 'shop', pod, container: 'app' }).pod;

test.each([
  ['cart-7d9c5bdf44-x2x4z', 'cart-*'],
  ['node-agent-x2x4z', 'node-agent-*'],
  ['backup-28471230-x2x4z', 'backup-*'],
  // Of a StatefulSet, of a node, and named by hand.
  ['db-0', 'db-0'],
  ['kube-apiserver-node-1', 'kube-apiserver-node-1'],
  ['my-redis', 'my-redis'],
  ['x2x4z', 'x2x4z'],
])('the pod %s is %s', (pod, expected) => {
  expect(inPod(pod)).toBe(expected);
});

test('a pod outside Kubernetes keeps its name', () => {
  const labels = { engine: 'podman', namespace: '', pod: 'cart-x2x4z', container: 'app' };
  expect(identityOf(labels)).toEqual(labels);
});

test('the older of two containers with one name is the same as the newer', () => {
  const labels = { engine: 'docker', namespace: '', pod: '', container: 'web~0123456789ab' };
  expect(identityOf(labels).container).toBe('web');
});

test('a key is of one identity only', () => {
  const labels = { engine: 'docker', namespace: '', pod: '', container: 'a","b' };
  expect(keyOf(labels)).not.toBe(keyOf({ ...labels, pod: 'a', container: 'b' }));
});
