import { expect, test } from 'vitest';
import { containerReport } from '../../test/reports.ts';
import { isCalled } from './selection.ts';

const id = `deadbeef${'0'.repeat(56)}`;
const labels = { engine: 'containerd', namespace: 'shop', pod: 'cart-1', container: 'app' };
const inPod = containerReport('app', { labels, id });
const lxc = containerReport('deadbeef', { id: 'deadbeefcafe' });

test.each([
  ['app', true],
  ['shop/cart-1/app', true],
  [id, true],
  ['deadbeef0000', true],
  ['deadbe', true],
  // A prefix that is too short, another id, and parts of names.
  ['dead', false],
  ['deadbeef1', false],
  ['cart-1', false],
  ['ap', false],
  ['', false],
])('%j is the container in the pod: %s', (name, expected) => {
  expect(isCalled(name, inPod)).toBe(expected);
});

test('a name used as an id has no prefix match', () => {
  expect(isCalled('deadbeefcafe', lxc)).toBe(true);
  expect(isCalled('deadbeefca', lxc)).toBe(false);
});
