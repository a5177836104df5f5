import { describe, expect, it } from 'vitest';
import { Bench, killIn, named } from '../../test/oom-bench.ts';
import type { ContainerCgroup } from '../container.ts';
import type { OomEvent } from '../kernel/oom-events.ts';
import type { ProcessPlace } from './container-processes.ts';
import type { KmsgKill } from './container-record.ts';

describe('a kill that is known by its process', () => {
  const place = (container: ContainerCgroup, cgroup = container.path): ProcessPlace => ({ container, cgroup });

  it('counts once on v1, though its victim had moved into an inner cgroup', () => {
    const bench = new Bench('own');
    const cgroup = bench.appear('a');
    bench.retention.name(cgroup, named('web'));
    bench.count({ '/docker/a': 0 }, 4);
    bench.report(undefined, 5, place(cgroup));
    bench.count({ '/docker/a': 0, '/docker/a#/inner': 1 }, 5);
    expect(bench.kills()).toEqual({ web: [1, 5] });
    // The sources report the same kill in the other order.
    bench.count({ '/docker/a': 0, '/docker/a#/inner': 2 }, 6);
    bench.report(undefined, 6, place(cgroup));
    expect(bench.kills()).toEqual({ web: [2, 6] });
  });

  it('belongs to a container that is gone by then', () => {
    const bench = new Bench('own');
    const cgroup = bench.appear('a');
    bench.remove(cgroup, 5);
    bench.retention.update(5);
    bench.names.set('a', 'web');
    bench.report(undefined, 5, place(cgroup));
    bench.retention.update(6);
    expect(bench.kills()).toEqual({ web: [1, 5] });
  });

  it('belongs to the inner container that discovery has not seen', () => {
    const bench = new Bench('own');
    const outer = bench.appear('outer');
    bench.report(undefined, 5, place(outer, '/docker/outer/docker/inner'));
    bench.names.set('inner', 'db');
    bench.retention.update(5);
    expect(bench.kills()).toEqual({ db: [1, 5] });
  });

  it('belongs to whom the kernel names, whatever had that pid before', () => {
    const bench = new Bench('own');
    const [a, b] = [bench.appear('a'), bench.appear('b')];
    for (const cgroup of [a, b]) bench.retention.name(cgroup, named(cgroup.match.id));
    bench.report('/docker/b/inner', 5, place(a));
    bench.report('/system.slice/a.service', 6, place(a));
    expect(bench.kills()).toMatchObject({ b: [1, 5] });
    expect(bench.retention.kills).toBe(1);
  });

  it('is found where the kernel has no memory controller, and names the root', () => {
    const bench = new Bench('own');
    const cgroup = bench.appear('a');
    bench.retention.name(cgroup, named('web'));
    bench.report('/', 5, place(cgroup));
    expect(bench.kills()).toEqual({ web: [1, 5] });
  });
});

describe('a group that is killed together', () => {
  const kill = (event: OomEvent, pid: number, cgroup: string | undefined): KmsgKill => ({
    ...killIn(cgroup, 5),
    pid,
    event,
  });
  const eventsOf = (bench: Bench): Record<string, unknown> =>
    Object.fromEntries(
      bench.retention.counts('counters').map(({ labels, kills, events }) => [labels.container, [kills, events]]),
    );

  it('is one event, and as many kills as the kernel counts', () => {
    const bench = new Bench('below');
    bench.retention.name(bench.appear('a'), named('web'));
    const event = { group: '/docker/a', isOver: false };
    for (const pid of [1, 2, 1, 3, 4, 5]) bench.attribution.fromKmsg(kill(event, pid, '/docker/a'), undefined);
    bench.count({ '/docker/a': 6 }, 5);
    expect(eventsOf(bench)).toEqual({ web: [6, 1] });
  });

  it('has a chosen victim whose container the kernel names only with the group', () => {
    const bench = new Bench('below');
    bench.retention.name(bench.appear('a'), named('web'));
    const event: { group: string | undefined; isOver: boolean } = { group: undefined, isOver: false };
    bench.attribution.fromKmsg(kill(event, 1, undefined), undefined);
    bench.attribution.settle(5);
    expect(eventsOf(bench)).toEqual({ web: [undefined, undefined] });
    event.group = '/docker/a';
    bench.attribution.fromKmsg(kill(event, 2, '/docker/a'), undefined);
    bench.attribution.settle(5);
    expect(eventsOf(bench)).toEqual({ web: [2, 1] });
  });

  it('is an event in each container of a pod', () => {
    const bench = new Bench('below');
    const [a, b] = [bench.appear('a', '/pod/docker/a'), bench.appear('b', '/pod/docker/b')];
    for (const cgroup of [a, b]) bench.retention.name(cgroup, named(cgroup.match.id));
    const event = { group: '/pod', isOver: false };
    bench.attribution.fromKmsg(kill(event, 1, '/pod/docker/a'), undefined);
    bench.attribution.fromKmsg(kill(event, 2, '/pod'), { container: a, cgroup: a.path });
    bench.attribution.fromKmsg(kill(event, 3, '/pod'), { container: b, cgroup: b.path });
    bench.attribution.fromKmsg(kill(event, 4, '/pod'), undefined);
    bench.attribution.settle(5);
    expect(eventsOf(bench)).toEqual({ a: [2, 1], b: [1, 1] });
  });

  it('is one event if only the log knows its container any more', () => {
    const bench = new Bench('below');
    const cgroup = bench.appear('a');
    bench.remove(cgroup, 5);
    bench.retention.update(5);
    bench.names.set('a', 'web');
    const group: OomEvent = { group: '/docker/a', isOver: true };
    bench.attribution.fromKmsg(kill(group, 1, '/docker/a'), undefined);
    bench.attribution.fromKmsg(kill(group, 2, '/docker/a'), { container: cgroup, cgroup: cgroup.path });
    bench.attribution.settle(5);
    bench.retention.update(6);
    expect(eventsOf(bench)).toEqual({ web: [2, 1] });
  });

  it('does not get the kills elsewhere that follow in a burst', () => {
    const bench = new Bench('below');
    const [a, b] = [bench.appear('a'), bench.appear('b')];
    for (const cgroup of [a, b]) bench.retention.name(cgroup, named(cgroup.match.id));
    const group: OomEvent = { group: '/docker/a', isOver: true };
    const perhaps = (pid: number, seenIn?: ProcessPlace): void =>
      bench.attribution.fromKmsg(
        kill({ group: undefined, isOver: true, perhapsPartOf: group }, pid, undefined),
        seenIn,
      );
    bench.attribution.fromKmsg(kill(group, 1, '/docker/a'), undefined);
    perhaps(2, { container: a, cgroup: a.path });
    // Its counter has one more kill.
    perhaps(3);
    bench.count({ '/docker/a': 3 }, 5);
    bench.attribution.settle(5);
    perhaps(4);
    perhaps(5, { container: b, cgroup: b.path });
    perhaps(6);
    bench.count({ '/docker/a': 3 }, 5);
    expect(eventsOf(bench)).toEqual({ a: [3, 1], b: [1, 1] });
    expect(bench.records.of(a)?.events.isWaiting).toBe(false);
  });
});
