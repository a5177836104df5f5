import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { canHang, HangingMount, type Manner } from '../../test/hanging-mount.ts';
import { PathProbes } from './path-probes.ts';
import type { Outcome } from './requests.ts';

const ANSWERED = { kind: 'value' };
const UNANSWERED = { kind: 'unanswered' };

let probes: PathProbes;
let mount: HangingMount | undefined;
beforeEach(async () => {
  probes = new PathProbes({ info() {}, warn() {} });
  await probes.start();
});
afterEach(async () => {
  mount?.[Symbol.dispose]();
  probes[Symbol.dispose]();
  await vi.waitFor(() => expect(processes()).toBe(0), { timeout: 10_000 });
});

/** Asks about the subjects `hanging 0` and so on at once. None of these look-ups returns. */
function hang(manner: Manner, count: number): Promise<Outcome<unknown>[]> {
  mount = new HangingMount(manner);
  const paths = Array.from({ length: count }, (_, index) => `${mount?.path}/${index}`);
  return Promise.all(paths.map((path, index) => probes.ask(`hanging ${index}`, { look: 'owner', path })));
}

const look = (subject: string): Promise<Outcome<unknown>> => probes.ask(subject, { look: 'owner', path: '/' });

/** How many probe processes there are, also killed ones whose look-up does not return. */
function processes(): number {
  return readdirSync('/proc/self/task')
    .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' '))
    .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/stat`, 'utf8').includes('(node)')).length;
}

describe.skipIf(!canHang)('while look-ups hang', () => {
  test('that SIGKILL does not end, a new subject is answered', async () => {
    const hanging = hang('takes', 8);
    expect(await look('new')).toMatchObject(ANSWERED);
    expect(await hanging).toEqual(Array.from({ length: 8 }, () => UNANSWERED));
    expect(await look('newer')).toMatchObject(ANSWERED);
  }, 60_000);

  test('that SIGKILL does not end, in any number, one that has answered before is answered', async () => {
    await look('healthy');
    const hanging = hang('takes', 40);
    expect(await look('healthy')).toMatchObject(ANSWERED);
    expect(await hanging).toEqual(Array.from({ length: 40 }, () => UNANSWERED));
    expect(await look('healthy')).toMatchObject(ANSWERED);
    expect(processes()).toBeLessThanOrEqual(16);
    mount?.[Symbol.dispose]();
    await vi.waitFor(() => expect(processes()).toBeLessThanOrEqual(5), { timeout: 10_000 });
    expect(await look('new')).toMatchObject(ANSWERED);
  }, 60_000);

  test('that SIGKILL ends, in any number, a new subject is answered', async () => {
    const hanging = hang('ignores', 40);
    expect(await look('new')).toMatchObject(ANSWERED);
    expect(await hanging).toEqual(Array.from({ length: 40 }, () => UNANSWERED));
    expect(probes.stuck).toBe(40);
  }, 60_000);

  test('of one owner, they block two processes', async () => {
    probes.groupBy((subject) => subject.split(' ')[0] ?? '');
    expect(await hang('takes', 40)).toEqual(Array.from({ length: 40 }, () => UNANSWERED));
    expect(await look('new')).toMatchObject(ANSWERED);
    expect(processes()).toBe(3);
  }, 60_000);

  test('of one owner, another of its subjects is answered that has answered before', async () => {
    probes.groupBy(() => 'owner');
    await look('healthy');
    await hang('takes', 3);
    expect(await look('healthy')).toMatchObject(ANSWERED);
  }, 60_000);
});

test.skipIf(!canHang)('a subject with many slow answers holds up nobody', async () => {
  mount = new HangingMount(100);
  const slow = Array.from({ length: 100 }, (_, index) =>
    probes.ask('slow', { look: 'owner', path: `${mount?.path}/${index}` }),
  );
  const began = performance.now();
  expect(await look('other')).toMatchObject(ANSWERED);
  expect(performance.now() - began).toBeLessThan(5_000);
  // A scrape waits as long as there are replies.
  const { replies } = probes;
  expect(await slow[4]).toEqual({ kind: 'error', code: 'ENOENT' });
  expect(probes.replies).toBe(replies);
});

test.skipIf(!canHang)(
  'a subject whose process cannot end gets no second one, and is asked again once it has',
  async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      await hang('takes', 5);
      const before = processes();
      vi.advanceTimersByTime(7_200_000);
      expect(await look('hanging 0')).toEqual(UNANSWERED);
      expect(processes()).toBe(before);
      mount?.[Symbol.dispose]();
      await vi.waitFor(() => expect(probes.stuck).toBe(0), { timeout: 10_000 });
      expect(await look('hanging 0')).toMatchObject(ANSWERED);
    } finally {
      vi.useRealTimers();
    }
  },
  60_000,
);
