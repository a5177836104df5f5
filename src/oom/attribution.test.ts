import { describe, expect, it } from 'vitest';
import { Bench, HOUR, killIn, named } from '../../test/oom-bench.ts';

describe('a kill', () => {
  it('counts once, whichever source reports it first', () => {
    for (const tellFirst of [true, false]) {
      const bench = new Bench('below');
      bench.retention.name(bench.appear('a'), named('web'));
      bench.count({ '/docker/a': 0 }, undefined);
      if (tellFirst) bench.report('/docker/a', 10);
      bench.count({ '/docker/a': 1 }, 10);
      if (!tellFirst) bench.report('/docker/a', 10);
      expect(bench.kills()).toEqual({ web: [1, 10] });
    }
  });

  it('that the log reports is not settled before the counters are', () => {
    const bench = new Bench('below');
    const record = bench.records.of(bench.appear('a'))!;
    bench.count({ '/docker/a': 1 }, 5);
    expect(bench.attribution.isSettled(record)).toBe(true);
    bench.attribution.fromKmsg(killIn('/docker/a', 6), undefined);
    expect(bench.attribution.isSettled(record)).toBe(false);
    bench.attribution.settle(7);
    expect(bench.attribution.isSettled(record)).toBe(true);
  });

  it('missing in the log comes from the counter, and one whose counter is gone from the log', () => {
    const bench = new Bench('below');
    const cgroup = bench.appear('a');
    bench.retention.name(cgroup, named('web'));
    bench.count({ '/docker/a': 2 }, 5);
    bench.remove(cgroup, 6);
    bench.report('/docker/a', 7);
    bench.report('/docker/a', 7);
    bench.report('/docker/a', 7);
    expect(bench.kills()).toEqual({ web: [3, 7] });
  });

  it('before the daemon has no time unless the log knows it', () => {
    const bench = new Bench('below');
    bench.retention.name(bench.appear('a'), named('web'));
    bench.count({ '/docker/a': 3 }, undefined);
    expect(bench.kills()).toEqual({ web: [3, undefined] });
  });

  it('in a cgroup inside belongs to the container: v1 counts them apart, v2 together', () => {
    const v1 = new Bench('own');
    v1.retention.name(v1.appear('a'), named('web'));
    v1.count({ '/docker/a': 1, '/docker/a#/inner': 2 }, 5);
    v1.report('/docker/a/inner', 6);
    v1.report('/docker/a/gone', 6);
    expect(v1.kills()).toEqual({ web: [4, 6] });

    const v2 = new Bench('below');
    v2.retention.name(v2.appear('a'), named('web'));
    v2.count({ '/docker/a': 3 }, 5);
    v2.report('/docker/a/inner', 6);
    v2.report('/docker/a/gone', 6);
    expect(v2.kills()).toEqual({ web: [3, 6] });
  });

  it('in a recreated inner cgroup is one more, on v1', () => {
    const bench = new Bench('own');
    bench.retention.name(bench.appear('a'), named('web'));
    const [gone, killed] = [{ '/docker/a': 0 }, { '/docker/a': 0, '/docker/a#/unit': 1 }];
    bench.count(killed, 5);
    bench.count(gone, 6);
    bench.count(killed, 7);
    expect(bench.kills()).toEqual({ web: [2, 7] });
    // The log reports the kill that the counter already has. It then reports another kill, after the last read of the
    // counter.
    bench.report('/docker/a/unit', 8);
    expect(bench.kills()).toEqual({ web: [2, 8] });
    bench.count(gone, 9);
    bench.attribution.fromKmsg(killIn('/docker/a/unit', 10), undefined);
    bench.attribution.settle(11);
    expect(bench.kills()).toEqual({ web: [3, 10] });
  });

  it('in a cgroup inside that is not among as many as are read is not another one, on v1', () => {
    const bench = new Bench('own');
    bench.retention.name(bench.appear('a'), named('web'));
    bench.count({ '/docker/a': 0, '/docker/a#/unit': 1 }, 5);
    const others = Array.from({ length: 511 }, (_, nth) => [`/docker/a#/${nth}`, 0] as const);
    bench.count({ '/docker/a': 0, ...Object.fromEntries(others) }, 6);
    bench.count({ '/docker/a': 0, '/docker/a#/unit': 1 }, 7);
    expect(bench.kills()).toEqual({ web: [1, 5] });
  });

  it('in a container inside a container is not the outer one’s', () => {
    const bench = new Bench('below');
    bench.retention.name(bench.appear('outer'), named('outer'));
    const inner = bench.appear('inner', '/docker/outer/docker/inner');
    bench.retention.name(inner, named('inner'));
    bench.count({ '/docker/outer': 3, '/docker/outer/docker/inner': 2 }, 5);
    expect(bench.kills()).toEqual({ outer: [1, 5], inner: [2, 5] });
    // The inner container is gone and its record dropped, but the outer counter still includes its kills.
    bench.remove(inner, 6);
    bench.retention.update(7 + HOUR);
    bench.count({ '/docker/outer': 4 }, 7 + HOUR);
    expect(bench.kills()).toEqual({ outer: [2, 7 + HOUR] });
    expect(bench.retention.kills).toBe(4);
  });

  it('in a container that reuses the path of another counts once, also before it is seen', () => {
    const bench = new Bench('below');
    const first = bench.appear('a');
    bench.retention.name(first, named('web'));
    bench.count({ '/docker/a': 0 }, 5);
    bench.inodes.set('/docker/a', first.inode + 1);
    bench.report('/docker/a', 10);
    bench.retention.update(10);
    bench.remove(first, 11);
    bench.retention.name(bench.appear('a'), named('web'));
    bench.count({ '/docker/a': 1 }, 11);
    bench.retention.update(11);
    expect([bench.kills(), bench.retention.kills]).toEqual([{ web: [1, 10] }, 1]);
  });

  it('in a container whose path another one has taken is the one that the counter has', () => {
    for (const isNoticed of [false, true]) {
      const bench = new Bench('below');
      const first = bench.appear('a');
      bench.retention.name(first, named('web'));
      bench.count({ '/docker/a': 1 }, 5);
      bench.inodes.set('/docker/a', first.inode + 1);
      if (isNoticed) {
        bench.remove(first, 6);
        bench.retention.name(bench.appear('a'), named('web'));
      }
      bench.report('/docker/a', 5);
      expect(bench.kills()).toEqual({ web: [1, 5] });
      // This one is of the second container.
      bench.report('/docker/a', 9);
      expect(bench.retention.kills).toBe(2);
    }
  });

  it('of a process that was seen in an earlier container at the path is that one’s', () => {
    const bench = new Bench('below');
    const first = bench.appear('a');
    const seenIn = { container: first, cgroup: '/docker/a' };
    bench.remove(first, 6);
    // Without kills its record is dropped.
    bench.retention.update(6);
    bench.retention.name(bench.appear('a'), named('second'));
    bench.names.set('a', 'first');
    bench.report('/docker/a', 5, seenIn);
    bench.retention.update(7);
    bench.report('/docker/a', 8);
    expect(bench.kills()).toEqual({ first: [1, 5], second: [1, 8] });
    // Another one of the first container's processes.
    bench.report('/docker/a', 5, seenIn);
    expect(bench.kills()).toEqual({ first: [2, 5], second: [1, 8] });
  });

  it('outside of containers is nobody’s', () => {
    const bench = new Bench('below');
    bench.report('/system.slice/a.service', 5);
    bench.report(undefined, 5);
    expect([bench.kills(), bench.retention.kills]).toEqual([{}, 0]);
  });
});

describe('a counter above', () => {
  const without = (): Bench => {
    const bench = new Bench('below');
    bench.retention.name(bench.appear('a'), named('web'));
    bench.count({ '/docker/a': 1 }, 5);
    // Two more kills happened before the first read.
    bench.attribution.settleParents(new Map([['/docker', { kills: 3, groups: 0 }]]), () => ['/docker/a'], 5);
    return bench;
  };

  it('told after the end of its container is named all the same', () => {
    const bench = new Bench('below');
    bench.remove(bench.appear('a'), 10);
    expect(bench.wanted.size).toBe(0);
    bench.report('/docker/a', 10);
    bench.retention.update(10);
    expect(bench.wanted).toEqual(new Set(['docker a']));
    bench.retention.update(20);
    expect(bench.kills()).toEqual({ a: [1, 10] });
    bench.names.set('a', 'web');
    bench.retention.update(21);
    expect([bench.kills(), bench.wanted.size]).toEqual([{ web: [1, 10] }, 0]);
  });

  it('reveals the last kill of a container that was gone at once', () => {
    const bench = without();
    const brief = bench.appear('b');
    bench.remove(brief, 6);
    expect(bench.attribution.above.parents(true)).toEqual(new Set(['/docker']));
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7);
    bench.names.set('b', 'brief');
    bench.retention.update(7);
    expect(bench.kills()).toEqual({ web: [1, 5], brief: [1, 7] });
    // The kill counts once.
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 8);
    bench.retention.update(7 + HOUR);
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7 + HOUR);
    expect(bench.retention.kills).toBe(2);
  });

  it('waits until discovery has noticed that a container is gone', () => {
    const bench = without();
    const brief = bench.appear('b');
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7);
    expect([bench.retention.kills, bench.attribution.above.isWaiting]).toEqual([1, true]);
    expect(bench.attribution.above.parents(false)).toEqual(new Set(['/docker']));
    bench.remove(brief, 7.1);
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7.2);
    expect([bench.retention.kills, bench.attribution.above.isWaiting]).toEqual([2, false]);
    expect(bench.attribution.above.parents(false)).toEqual(new Set());
  });

  it('waits for a container that is gone although another one was removed', () => {
    const bench = without();
    const other = bench.appear('c');
    bench.remove(bench.appear('b'), 6);
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7);
    // A record without kills is kept until it is known whether it has one.
    bench.retention.update(7);
    bench.remove(other, 7.1);
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7.2);
    expect([bench.retention.kills, bench.attribution.above.isWaiting]).toEqual([1, false]);
  });

  it('waits until discovery has noticed a new container, but not for ever', () => {
    const bench = without();
    bench.remove(bench.appear('b'), 6);
    const children = (): readonly string[] => ['/docker/a', `/docker/${'c'.repeat(64)}`];
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), children, 7);
    expect(bench.attribution.above.isWaiting).toBe(true);
    bench.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), children, 9);
    expect([bench.retention.kills, bench.attribution.above.isWaiting]).toEqual([1, false]);
  });

  it('reveals that the kills of a container that was gone at once were a group', () => {
    const bench = new Bench('below');
    const brief = bench.appear('b');
    bench.attribution.above.begin(brief, { kills: 4, groups: 1 });
    bench.names.set('b', 'brief');
    bench.remove(brief, 6);
    bench.attribution.settleParents(new Map([['/docker', { kills: 10, groups: 2 }]]), () => [], 7);
    bench.retention.update(7);
    bench.retention.update(7 + HOUR);
    expect(bench.retention.counts('counters')).toMatchObject([{ kills: 6, events: 1 }]);
  });

  it('reveals the first kill of all, if it was read when its first container appeared', () => {
    const bench = new Bench('below');
    const brief = bench.appear('b');
    expect(bench.attribution.above.isNewAbove(brief)).toBe(true);
    bench.attribution.above.begin(brief, { kills: 0, groups: 0 });
    expect(bench.attribution.above.isNewAbove(brief)).toBe(false);
    bench.names.set('b', 'brief');
    bench.remove(brief, 6);
    bench.attribution.settleParents(new Map([['/docker', { kills: 1, groups: 0 }]]), () => [], 7);
    bench.retention.update(7);
    expect(bench.kills()).toEqual({ brief: [1, 7] });
  });

  it('is not believed where it can be another one’s kill', () => {
    const two = without();
    for (const id of ['b', 'c']) two.remove(two.appear(id), 6);
    two.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7);
    expect(two.retention.kills).toBe(1);

    const others = without();
    others.remove(others.appear('b'), 6);
    others.attribution.settleParents(
      new Map([['/docker', { kills: 4, groups: 0 }]]),
      () => ['/docker/a', '/docker/a.service'],
      7,
    );
    expect(others.retention.kills).toBe(1);

    const unseen = without();
    unseen.remove(unseen.appear('b'), 6);
    unseen.attribution.above.noteUnseen('/docker/c');
    unseen.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7);
    expect(unseen.retention.kills).toBe(1);

    const unread = without();
    unread.remove(unread.appear('b'), 6);
    // The counters changed while they were read.
    unread.retention.update(6);
    unread.remove(unread.appear('c'), 6.5);
    unread.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7);
    expect(unread.retention.kills).toBe(1);

    const known = without();
    const cgroup = known.appear('b');
    known.report('/docker/b', 6);
    known.remove(cgroup, 6);
    known.attribution.settleParents(new Map([['/docker', { kills: 4, groups: 0 }]]), () => ['/docker/a'], 7);
    expect(known.retention.kills).toBe(2);
  });
});
