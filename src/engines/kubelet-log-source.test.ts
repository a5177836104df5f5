import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CgroupMatch } from '../container.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { KubeletLogSource, listKubeletLogs } from './kubelet-log-source.ts';

const UID = '6cf2e0c5-0b7a-4c2e-9a55-2d4b6a1f0c11';
const APP = 'a'.repeat(64);
const PAUSE = 'b'.repeat(64);
const NAMES = { namespace: 'shop', pod: 'cart-0', containerInPod: 'app' };

const said: [level: string, message: string][] = [];
const log = {
  debug() {},
  info: (_: object, message: string) => said.push(['info', message]),
  warn: (_: object, message: string) => said.push(['warn', message]),
  error() {},
};
const probes = new PathProbes(log);
let directory: string;
let source: KubeletLogSource | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isolation-logs-'));
});
afterEach(async () => {
  await source?.[Symbol.asyncDispose]();
  source = undefined;
  said.length = 0;
  rmSync(directory, { recursive: true, force: true });
});
afterAll(() => probes[Symbol.dispose]());

function start(options: { readonly isDefault?: boolean; readonly asks?: Pick<PathProbes, 'ask'> } = {}) {
  const config = { directory, isDefault: options.isDefault ?? true };
  const timings = { listAgain: [20, 50] as const, keepForgotten: 200 };
  source = new KubeletLogSource({ config, probes: options.asks ?? probes, log, timings });
  return source;
}

/** Creates a link like the kubelet does. Its target need not exist. */
function link(container: string, id: string, pod = 'cart-0'): void {
  const target = `/var/log/pods/shop_${pod}_${UID}/${container}/0.log`;
  symlinkSync(target, join(directory, `${pod}_shop_${container}-${id}.log`));
}

test('names a container whose log is there, or comes later', async () => {
  link('app', APP);
  const logs = start();
  logs.want(APP, { podUid: UID });
  await vi.waitFor(() => expect(logs.namesOf(APP)).toEqual(NAMES));
  expect({ up: logs.up, tried: logs.tried }).toEqual({ up: true, tried: true });
  const later = 'c'.repeat(64);
  logs.want(later, { podUid: UID });
  expect(logs.namesOf(later)).toBeUndefined();
  link('sidecar', later);
  await vi.waitFor(() => expect(logs.namesOf(later)?.containerInPod).toBe('sidecar'));
});

test('names only the pod of a container without a log, and never another container', async () => {
  link('app', APP);
  const logs = start();
  logs.want(PAUSE, { podUid: UID });
  await vi.waitFor(() => expect(logs.podOf(PAUSE)).toEqual({ namespace: 'shop', pod: 'cart-0' }));
  expect(logs.namesOf(PAUSE)).toBeUndefined();
});

test('keeps names after the log is gone, until the container has been gone for a while', async () => {
  link('app', APP);
  const logs = start();
  logs.want(APP, { podUid: UID });
  await vi.waitFor(() => expect(logs.namesOf(APP)).toBeDefined());
  const names = logs.namesOf(APP);
  unlinkSync(join(directory, `cart-0_shop_app-${APP}.log`));
  link('other', PAUSE);
  logs.want(PAUSE, { podUid: UID });
  await vi.waitFor(() => expect(logs.namesOf(PAUSE)).toBeDefined());
  expect(logs.namesOf(APP)).toBe(names);
  logs.forget(APP);
  expect(logs.namesOf(APP)).toBe(names);
  await vi.waitFor(() => expect(logs.namesOf(APP)).toBeUndefined());
});

test('ignores what is not a link of the kubelet', async () => {
  writeFileSync(join(directory, `cart-0_shop_app-${APP}.log`), '');
  mkdirSync(join(directory, `cart-0_shop_sidecar-${PAUSE}.log`));
  symlinkSync('/etc/passwd', join(directory, `x_y_z-${'c'.repeat(64)}.log`));
  expect((await listKubeletLogs(directory)).size).toBe(0);
  link('app', 'd'.repeat(64));
  expect((await listKubeletLogs(directory)).size).toBe(1);
});

test('is silent without a kubelet, and begins when its directory appears', async () => {
  rmSync(directory, { recursive: true });
  const logs = start();
  await vi.waitFor(() => expect(logs.tried).toBe(true));
  expect({ up: logs.up, said }).toEqual({ up: undefined, said: [] });
  mkdirSync(directory);
  link('app', APP);
  logs.want(APP, { podUid: UID });
  await vi.waitFor(() => expect(logs.namesOf(APP)).toEqual(NAMES));
  expect(logs.up).toBe(true);
});

test('warns once if a directory that a user configured is not there', async () => {
  rmSync(directory, { recursive: true });
  const logs = start({ isDefault: false });
  const down = ['warn', 'cannot list the container logs; using the last names'];
  await vi.waitFor(() => expect(said).toEqual([down]));
  expect(logs.up).toBe(false);
  mkdirSync(directory);
  await vi.waitFor(() => expect(said).toEqual([down, ['info', 'the container logs can be listed again']]));
  expect(logs.up).toBe(true);
});

test('keeps its names while the directory cannot be listed', async () => {
  link('app', APP);
  const logs = start();
  logs.want(APP, { podUid: UID });
  await vi.waitFor(() => expect(logs.namesOf(APP)).toBeDefined());
  renameSync(directory, `${directory}-away`);
  await vi.waitFor(() => expect(logs.up).toBe(false));
  expect(logs.namesOf(APP)).toEqual(NAMES);
  renameSync(`${directory}-away`, directory);
  await vi.waitFor(() => expect(logs.up).toBe(true));
});

test('is down if the directory does not answer, also by default', async () => {
  const logs = start({ asks: { ask: async () => ({ kind: 'unanswered' }) } });
  await vi.waitFor(() => expect(logs.up).toBe(false));
  expect(said).toHaveLength(1);
});

test('counts a list that is too long', async () => {
  const links = { links: [], complete: false, version: '' };
  const logs = start({ asks: { ask: async () => ({ kind: 'value', value: links as never }) } });
  await vi.waitFor(() => expect(logs.limitHits.get('list_size')).toBeGreaterThan(1));
  expect(said).toEqual([['warn', 'too many container logs; some have no name']]);
});

test('does not read an unchanged directory again', async () => {
  const questions: string[] = [];
  const asks: Pick<PathProbes, 'ask'> = {
    ask: async (_, question) => {
      if (question.look === 'links') questions.push(question.unlessVersion);
      return { kind: 'value', value: { links: [], complete: true, version: '1' } as never };
    },
  };
  const logs = start({ asks });
  await vi.waitFor(() => expect(questions.slice(0, 3)).toEqual(['', '1', '1']));
  expect(logs.up).toBe(true);
});

test.skipIf(process.getuid?.() === 0)('is silent about a directory that is closed to it', async () => {
  chmodSync(directory, 0);
  const logs = start();
  await vi.waitFor(() => expect(logs.tried).toBe(true));
  expect(logs.up).toBeUndefined();
});

test.each<[Partial<CgroupMatch>, boolean]>([
  [{ podUid: UID }, true],
  [{ engine: 'docker', podUid: UID }, true],
  [{}, false],
  // A container inside a node that is itself a container.
  [{ podUid: UID, outer: { engine: 'docker', id: 'x', infra: false } }, false],
])('may know the container %j: %s', (match, expected) => {
  expect(start().mayKnow({ engine: 'containerd', id: APP, infra: false, ...match })).toBe(expected);
});
