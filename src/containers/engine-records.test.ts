import { expect, test } from 'vitest';
import type { Container, EngineRecord, Life, Names } from '../container.ts';
import { engineRecords } from './engine-records.ts';

const running = (name: string, life: Life | undefined, more: { seenAt?: number; names?: Names } = {}): Container =>
  ({
    labels: { engine: 'docker', namespace: '', pod: '', container: name },
    names: { name, ...more.names },
    cgroup: { seenAt: more.seenAt ?? 0, match: { engine: 'docker', id: name, infra: false } },
    life,
  }) as Container;
const ended = (...containers: readonly (readonly [id: string, Names, Life])[]) => ({
  ended: {
    engine: 'docker',
    count: containers.length,
    containers: containers.map(([id, names, life]) => ({ id, names, life })),
  },
});
const short = (records: readonly EngineRecord[]) =>
  records.map(({ labels, hasEnded, exit, restarts, shouldRun }) =>
    [labels.container, hasEnded ? 'ended' : 'runs', exit?.code, restarts, shouldRun].join(' '),
  );

test('a container that runs has a record if its engine keeps something about it', () => {
  const containers = [
    running('plain', {}),
    running('unknown', undefined),
    running('again', { restarts: 2, exit: { code: 1, at: 5 } }),
    running('wanted', {}, { names: { shouldRun: true } }),
  ];
  expect(short(engineRecords(containers, [{}, { ended: undefined }]))).toEqual([
    'again runs 1 2 false',
    'wanted runs   true',
  ]);
});

test('a container that has ended has one, without the infra container of a pod', () => {
  const sources = [
    ended(['ab', { name: 'job' }, { exit: { code: 0, at: 5 } }], ['cd', { infra: true }, {}], ['ef', {}, {}]),
  ];
  expect(short(engineRecords([], sources))).toEqual(['job ended 0  false', 'ef ended   false']);
});

test('of several with the same labels, one that runs comes first, with the last end of all', () => {
  const job = (at: number, code: number) =>
    [`${at}`, { name: 'job', shouldRun: true }, { exit: { code, at } }] as const;
  expect(short(engineRecords([], [ended(job(3, 1), job(9, 2), job(4, 3))]))).toEqual(['job ended 2  true']);
  expect(short(engineRecords([running('job', { restarts: 1 })], [ended(job(3, 1), job(9, 2))]))).toEqual([
    'job runs 2 1 false',
  ]);
  const twice = [running('job', { restarts: 1 }, { seenAt: 1 }), running('job', { restarts: 7 }, { seenAt: 2 })];
  expect(short(engineRecords(twice, []))).toEqual(['job runs  7 false']);
  const [own, newer] = twice.map((found) => ({ ...found }));
  if (own === undefined || newer === undefined) throw new Error('There are two');
  const made = { ...newer, cgroup: { ...newer.cgroup, match: { ...newer.cgroup.match, territory: '/user.slice' } } };
  expect(short(engineRecords([made, own], []))).toEqual(['job runs  1 false']);
});
