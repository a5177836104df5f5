import { beforeEach, describe, expect, it } from 'vitest';
import { Bench, killIn, named } from '../../test/oom-bench.ts';
import type { OomEvent } from '../kernel/oom-events.ts';
import type { ContainerRecord, KmsgKill } from './container-record.ts';
import { KillLog } from './kill-log.ts';

type Line = Readonly<Record<string, unknown>>;

describe('KillLog', () => {
  let lines: Line[];
  let bench: Bench;
  let record: ContainerRecord;
  let kmsg: KillLog;

  beforeEach(() => {
    lines = [];
    const write = (level: string) => (fields: object, msg: string) => void lines.push({ level, msg, ...fields });
    const clock = { toWall: () => (at: number) => at + 1_000 };
    kmsg = new KillLog({ log: { info: write('info'), warn: write('warn') }, scope: 'below', clock });
    bench = new Bench('below');
    const cgroup = bench.appear('a');
    bench.retention.name(cgroup, named('web'));
    record = bench.records.of(cgroup) ?? expect.unreachable();
  });

  const report = (...kills: KmsgKill[]): void => {
    for (const kill of kills) bench.attribution.fromKmsg(kill, undefined);
    bench.attribution.settle(5);
  };
  const kill = (pid: number, more: Partial<KmsgKill> = {}): KmsgKill => ({ ...killIn('/docker/a', 5), pid, ...more });
  const written = (...keys: string[]): unknown[][] => lines.map((line) => keys.map((key) => line[key]));

  it('writes a line for each event, with its victim', () => {
    report(kill(1), kill(2, { command: 'java', uid: 1000, limit: 2 ** 20 }));
    expect(kmsg.write(record, performance.now())).toBe(false);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: 'OOM kill',
        container: 'web',
        id: 'a',
        cgroup: '/docker/a',
        at: '1970-01-01T00:16:45.000Z',
        pid: 1,
      }),
      expect.objectContaining({ command: 'java', pid: 2, uid: 1000, limit: 2 ** 20, source: 'kmsg' }),
    ]);
    expect(lines[0]).not.toHaveProperty('victims');
    kmsg.write(record, performance.now());
    expect(lines.length).toBe(2);
  });

  it('writes one line for a group, with each victim once, after the last of them', () => {
    const event = { group: '/docker/a', isOver: false };
    report(kill(1, { event }));
    expect(kmsg.write(record, performance.now())).toBe(true);
    report(kill(2, { event, command: 'sh' }), kill(1, { event }), kill(3, { event }));
    expect([kmsg.write(record, performance.now()), lines]).toEqual([true, []]);
    expect(kmsg.write(record, performance.now() + 1_000)).toBe(false);
    expect(written('pid', 'processes', 'victims')).toEqual([[1, 3, ['tail[1]', 'sh[2]', 'tail[3]']]]);
    expect([record.kills, record.events.total]).toEqual([4, 1]);
  });

  it('does not wait once the kernel has gone on to another event', () => {
    const event = { group: '/docker/a', isOver: false };
    report(kill(1, { event }), kill(2, { event }));
    event.isOver = true;
    kmsg.write(record, performance.now());
    expect(written('processes')).toEqual([[2]]);
  });

  it('says of victims that come after the line that they are of the same event', () => {
    const event = { group: '/docker/a', isOver: false };
    report(kill(1, { event }));
    kmsg.write(record, performance.now() + 5_000);
    report(kill(2, { event }));
    kmsg.write(record, performance.now() + 5_000);
    expect(written('msg', 'pid')).toEqual([
      ['OOM kill', 1],
      ['more processes killed in the same OOM event', 2],
    ]);
    expect(record.events.total).toBe(1);
  });

  it('names a bounded number of victims', () => {
    const event: OomEvent = { group: '/docker/a', isOver: true };
    report(...Array.from({ length: 100 }, (_, nth) => kill(nth + 1, { event })));
    kmsg.write(record, performance.now());
    expect(lines[0]?.['processes']).toBe(100);
    expect(lines[0]?.['victims']).toHaveLength(32);
  });

  it('writes kills from before the start at info', () => {
    report(kill(1, { beforeStart: true }), kill(2));
    kmsg.write(record, performance.now());
    expect(written('level', 'past', 'pid')).toEqual([
      ['info', true, 1],
      ['warn', undefined, 2],
    ]);
  });

  it('writes kills that only the counter has, once they count as events', () => {
    bench.count({ '/docker/a': 2 }, 5);
    expect([kmsg.write(record, performance.now()), lines]).toEqual([true, []]);
    record.events.release(performance.now() + 5_000, 'kmsg', undefined);
    expect(kmsg.write(record, performance.now())).toBe(false);
    expect(written('msg', 'kills', 'source', 'pid')).toEqual([['OOM kill', 2, 'memory.events', undefined]]);
    kmsg.write(record, performance.now());
    expect(lines.length).toBe(1);
  });

  it('writes nothing before the container has a name', () => {
    const cgroup = bench.appear('b');
    bench.attribution.fromKmsg(killIn('/docker/b', 5), undefined);
    bench.attribution.settle(5);
    const other = bench.records.of(cgroup) ?? expect.unreachable();
    expect([kmsg.write(other, performance.now()), lines]).toEqual([true, []]);
    bench.retention.name(cgroup, named('db'));
    kmsg.write(other, performance.now());
    expect(written('container')).toEqual([['db']]);
  });

  it('does not take an old victim for that of a new kill after a run without the kernel log', () => {
    bench.count({ '/docker/a': 2 }, undefined);
    const second = new Bench('below');
    const { sources, events, ...saved } = record;
    second.retention.restore([{ ...saved, sources: sources.save(), events: events.save() }], 10);
    const cgroup = second.appear('a');
    const again = second.records.at(cgroup.path) ?? expect.unreachable();
    for (const pid of [101, 102]) second.attribution.fromKmsg(kill(pid, { beforeStart: true }), undefined);
    second.attribution.settle(undefined);
    kmsg.write(again, performance.now());
    second.attribution.fromKmsg(kill(103, { command: 'NEW' }), undefined);
    second.attribution.settle(20);
    kmsg.write(again, performance.now());
    expect(written('level', 'pid')).toEqual([
      ['info', 101],
      ['info', 102],
      ['warn', 103],
    ]);
    expect([again.kills, again.events.total]).toEqual([3, 3]);
  });
});
