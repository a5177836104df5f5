import { describe, expect, it } from 'vitest';
import type { CgroupMatch, ContainerCgroup, Labels } from '../container.ts';
import { Attribution, type AttributionOptions } from './attribution.ts';
import type { CounterScope, KmsgKill, NamedLabels } from './container-record.ts';
import { ContainerRecords } from './container-records.ts';
import { KillTotals } from './kill-totals.ts';
import { Retention } from './retention.ts';
import { afterReboot, parseState, stateOf } from './state.ts';

const HOUR = 3600;

/** Attribution and retention with what they need, and containers at `/docker/<id>`. */
class Bench {
  readonly names = new Map<string, string>();
  readonly wanted = new Set<string>();
  /** After this time nobody names a container any more. */
  patienceMs = 2_000;
  /** What is at a path that discovery has not looked at again. */
  readonly inodes = new Map<string, number>();
  readonly records = new ContainerRecords();
  readonly totals = new KillTotals();
  readonly attribution: Attribution;
  readonly retention: Retention;
  #inodes = 0;

  constructor(counters: CounterScope, options: Partial<AttributionOptions> = {}) {
    this.attribution = new Attribution({
      records: this.records,
      counters,
      identify: (path) => {
        const found = /^(.*\/docker\/(\w+))/.exec(path);
        return found === null ? undefined : { ...matchOf(found[2] ?? ''), cgroup: found[1] ?? '' };
      },
      inodeOf: (path) => this.inodes.get(path),
      ...options,
    });
    this.retention = new Retention({
      records: this.records,
      totals: this.totals,
      names: {
        labelsOf: ({ id }, waitedMs) => {
          const name = this.names.get(id);
          if (name !== undefined) return { labels: labelsOf(name), named: true };
          return waitedMs < this.patienceMs ? undefined : { labels: labelsOf(id), named: false };
        },
        wantName: ({ id }) => this.wanted.add(id),
        forgetName: ({ id }) => this.wanted.delete(id),
      },
      drop: (record) => this.attribution.drop(record),
      retention: HOUR,
    });
  }

  appear(id: string, path = `/docker/${id}`, engine = 'docker'): ContainerCgroup {
    this.#inodes += 1;
    const cgroup = { path, inode: this.#inodes, match: { ...matchOf(id), engine }, seenAt: 0 };
    this.retention.appearing(cgroup);
    this.attribution.appeared(cgroup);
    return cgroup;
  }

  remove(cgroup: ContainerCgroup, at: number): void {
    const record = this.attribution.removed(cgroup, at);
    if (record !== undefined) this.retention.removed(record);
  }

  /** Lets the counters say something, by path; what is not said stays unread. */
  count(counts: Readonly<Record<string, number>>, at: number | undefined): void {
    for (const record of this.records.live) {
      const own = Object.entries(counts).filter(([path]) => path === record.path || path.startsWith(`${record.path}#`));
      if (own.length > 0)
        this.attribution.fromCounter(record, new Map(own.map(([path, kills]) => [path.replace('#', ''), kills])));
    }
    this.attribution.settle(at);
  }

  /** Lets the kernel's log report a kill. */
  report(cgroup: string | undefined, at: number): void {
    this.attribution.fromKmsg(killIn(cgroup, at));
    this.attribution.settle(at);
  }

  /** Kills and the time of the last by name. */
  kills(): Record<string, readonly [kills: number | undefined, last: number | undefined]> {
    return Object.fromEntries(
      this.retention.counts('counters').map(({ labels, kills, lastKill }) => [labels.container, [kills, lastKill]]),
    );
  }
}

const matchOf = (id: string): CgroupMatch => ({ engine: 'docker', id, infra: false });
const labelsOf = (container: string): Labels => ({ engine: 'docker', namespace: '', pod: '', container });
const named = (container: string): NamedLabels => ({ labels: labelsOf(container), named: true });

function killIn(cgroup: string | undefined, at: number): KmsgKill {
  const nothing = { limitedBy: undefined, limit: undefined, constraint: undefined };
  return { time: 0, pid: 1, command: 'tail', uid: 0, cgroup, at, beforeStart: false, ...nothing };
}

describe('a kill', () => {
  it('counts once, whichever source tells of it first', () => {
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

  it('that a clock that was ahead has seen is not in the future once it is right', () => {
    const ahead = 5 * HOUR;
    const bench = new Bench('below');
    const [web, gone, forgotten] = [bench.appear('a'), bench.appear('b'), bench.appear('c')];
    for (const [cgroup, name] of [[web, 'web'] as const, [gone, 'gone'] as const, [forgotten, 'web'] as const])
      bench.retention.name(cgroup, named(name));
    bench.count({ '/docker/a': 1, '/docker/b': 1, '/docker/c': 1 }, ahead);
    bench.remove(forgotten, ahead);
    // Only the account still knows of it.
    bench.retention.update(ahead + HOUR + 1);
    bench.remove(gone, ahead);
    bench.retention.update(100);
    expect(bench.kills()).toEqual({ web: [2, 100], gone: [1, 100] });
    // What is gone is not kept for longer, either.
    bench.retention.update(101 + HOUR);
    expect(bench.kills()).toEqual({ web: [2, 100] });

    const next = new Bench('below');
    next.totals.restore(0, [{ labels: labelsOf('web'), archived: 1, lastKill: ahead }]);
    next.retention.update(100);
    expect(next.kills()).toEqual({ web: [1, 100] });
  });

  it('that no log tells of is taken from the counter, and one that the counter took with it, from the log', () => {
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

  it('in a cgroup inside that is made anew is one more, on v1', () => {
    const bench = new Bench('own');
    bench.retention.name(bench.appear('a'), named('web'));
    const [gone, killed] = [{ '/docker/a': 0 }, { '/docker/a': 0, '/docker/a#/unit': 1 }];
    bench.count(killed, 5);
    bench.count(gone, 6);
    bench.count(killed, 7);
    expect(bench.kills()).toEqual({ web: [2, 7] });
    // The log tells of the same one, and then of another one that no counter was read after.
    bench.report('/docker/a/unit', 8);
    expect(bench.kills()).toEqual({ web: [2, 8] });
    bench.count(gone, 9);
    bench.attribution.fromKmsg(killIn('/docker/a/unit', 10));
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
    // Gone and forgotten, its kills are still in the counter of the outer one.
    bench.remove(inner, 6);
    bench.retention.update(7 + HOUR);
    bench.count({ '/docker/outer': 4 }, 7 + HOUR);
    expect(bench.kills()).toEqual({ outer: [2, 7 + HOUR] });
    expect(bench.retention.kills).toBe(4);
  });

  it('in a container whose path another one had is told of once, also before it is seen', () => {
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
    // Two more were there before the first look.
    bench.attribution.settleParents(new Map([['/docker', 3]]), () => ['/docker/a'], 5);
    return bench;
  };

  it('told after the end of its container is named all the same', () => {
    const bench = new Bench('below');
    bench.remove(bench.appear('a'), 10);
    expect(bench.wanted.size).toBe(0);
    bench.report('/docker/a', 10);
    bench.retention.update(10);
    expect(bench.wanted).toEqual(new Set(['a']));
    bench.retention.update(20);
    expect(bench.kills()).toEqual({ a: [1, 10] });
    bench.names.set('a', 'web');
    bench.retention.update(21);
    expect([bench.kills(), bench.wanted.size]).toEqual([{ web: [1, 10] }, 0]);
  });

  it('tells of the last kill of a container that was gone at once', () => {
    const bench = without();
    const brief = bench.appear('b');
    bench.remove(brief, 6);
    expect(bench.attribution.parents()).toEqual(new Set(['/docker']));
    bench.attribution.settleParents(new Map([['/docker', 4]]), () => ['/docker/a'], 7);
    bench.names.set('b', 'brief');
    bench.retention.update(7);
    expect(bench.kills()).toEqual({ web: [1, 5], brief: [1, 7] });
    // It is told of once.
    bench.attribution.settleParents(new Map([['/docker', 4]]), () => ['/docker/a'], 8);
    bench.retention.update(7 + HOUR);
    bench.attribution.settleParents(new Map([['/docker', 4]]), () => ['/docker/a'], 7 + HOUR);
    expect(bench.retention.kills).toBe(2);
  });

  it('is not believed where it can be another one’s kill', () => {
    const two = without();
    for (const id of ['b', 'c']) two.remove(two.appear(id), 6);
    two.attribution.settleParents(new Map([['/docker', 4]]), () => ['/docker/a'], 7);
    expect(two.retention.kills).toBe(1);

    const others = without();
    others.remove(others.appear('b'), 6);
    others.attribution.settleParents(new Map([['/docker', 4]]), () => ['/docker/a', '/docker/a.service'], 7);
    expect(others.retention.kills).toBe(1);

    const known = without();
    const cgroup = known.appear('b');
    known.report('/docker/b', 6);
    known.remove(cgroup, 6);
    known.attribution.settleParents(new Map([['/docker', 4]]), () => ['/docker/a'], 7);
    expect(known.retention.kills).toBe(2);
  });
});

describe('a container', () => {
  it('has 0 from the first sight, and leaves nothing if it had no kill', () => {
    const bench = new Bench('below');
    const cgroup = bench.appear('a');
    bench.retention.name(cgroup, named('web'));
    // As long as nothing could count, 0 would be a guess.
    expect(bench.kills()).toEqual({ web: [undefined, undefined] });
    expect(bench.retention.counts('kmsg')[0]?.kills).toBe(0);
    bench.count({ '/docker/a': 0 }, 5);
    expect(bench.kills()).toEqual({ web: [0, undefined] });
    bench.remove(cgroup, 6);
    bench.retention.update(6);
    expect(bench.kills()).toEqual({});
  });

  it('that is started again goes on counting, also past the time that each life is kept', () => {
    const bench = new Bench('below');
    for (let life = 1; life <= 5; life += 1) {
      const at = life * 2_000;
      const cgroup = bench.appear(`a${life}`);
      bench.retention.name(cgroup, named('web'));
      bench.count({ [`/docker/a${life}`]: 1 }, at);
      bench.retention.update(at);
      expect(bench.kills()).toEqual({ web: [life, at] });
      bench.remove(cgroup, at);
    }
    bench.retention.update(10_000 + HOUR);
    expect(bench.kills()).toEqual({ web: [5, 10_000] });
    bench.retention.update(10_001 + HOUR);
    expect(bench.kills()).toEqual({});
    expect(bench.retention.kills).toBe(5);
  });

  it('that nobody saw is told of under the name that comes late, and by its id until then', () => {
    const bench = new Bench('below');
    bench.report('/docker/short', 10);
    bench.retention.update(10);
    expect(bench.wanted).toEqual(new Set(['short']));
    expect([bench.kills(), bench.retention.unnamedKills]).toEqual([{}, 1]);
    bench.retention.update(11);
    expect(bench.kills()).toEqual({});
    bench.retention.update(12);
    expect(bench.kills()).toEqual({ short: [1, 10] });
    bench.names.set('short', 'web');
    bench.retention.update(20);
    expect([bench.kills(), bench.wanted.size]).toEqual([{ web: [1, 10] }, 0]);
  });

  it('that was told of before it was seen is one, whatever its path was taken for', () => {
    const bench = new Bench('below');
    bench.report('/docker/a', 10);
    bench.retention.update(20);
    expect(bench.kills()).toEqual({ a: [1, 10] });
    bench.retention.name(bench.appear('a'), named('web'));
    bench.count({ '/docker/a': 2 }, 21);
    expect([bench.kills(), bench.retention.kills]).toEqual([{ web: [2, 21] }, 2]);
  });

  it('with a counter that cannot be read says so', () => {
    const bench = new Bench('below');
    bench.retention.name(bench.appear('a'), named('web'));
    const [life] = bench.records.live;
    if (life === undefined) throw new Error('There is none');
    bench.attribution.fromCounter(life, new Error('denied'));
    expect(bench.retention.counts('counters')).toMatchObject([{ kills: undefined, error: { message: 'denied' } }]);
  });

  it('has no place for each cgroup that was ever inside, on v1', () => {
    const bench = new Bench('own');
    bench.retention.name(bench.appear('a'), named('web'));
    for (let nth = 1; nth <= 100; nth += 1)
      bench.count({ '/docker/a': 0, [`/docker/a#/job${nth}`]: nth % 2, '/docker/a#/idle': 0 }, nth);
    expect(bench.kills()).toEqual({ web: [50, 99] });
    expect([...bench.records.live].map(({ counts }) => counts.size)).toEqual([0]);
  });

  it('is not kept for ever, however many there are', () => {
    const bench = new Bench('below');
    for (let id = 0; id < 1_200; id += 1) bench.report(`/docker/c${id}`, 10 + id / 1000);
    bench.retention.update(20);
    expect(Object.keys(bench.kills()).length).toBe(1_000);
    expect(bench.retention.kills).toBe(1_200);
  });
});

describe('the saved state', () => {
  const before = (): Bench => {
    const bench = new Bench('below');
    const [web, gone] = [bench.appear('a'), bench.appear('b')];
    bench.retention.name(web, named('web'));
    bench.retention.name(gone, named('gone'));
    bench.count({ '/docker/a': 2, '/docker/b': 1 }, 10);
    bench.remove(gone, 11);
    return bench;
  };
  const saved = ({ records, totals }: Bench) => {
    const { expiredKills, archived } = totals;
    const facts = { bootId: 'boot', sequence: 7, expiredKills, totals: archived, records: records.all() };
    return parseState(JSON.stringify(stateOf(facts)));
  };

  it('is taken up by the next run, which counts nothing twice', () => {
    const bench = new Bench('below');
    bench.retention.restore(saved(before()).records, 20);
    expect(bench.kills()).toEqual({ web: [2, 10], gone: [1, 10] });
    // The first container still runs, with the inode that it had, and was killed once more meanwhile.
    bench.appear('a');
    bench.count({ '/docker/a': 3 }, undefined);
    bench.report('/docker/a', 15);
    expect(bench.kills()).toEqual({ web: [3, 15], gone: [1, 10] });
    bench.retention.update(11 + HOUR);
    expect(bench.kills()).toEqual({ web: [3, 15], gone: [1, 10] });
    bench.retention.update(12 + HOUR);
    expect(bench.kills()).toEqual({ web: [3, 15] });
  });

  it('knows whose the kills in the counter of an outer container are', () => {
    const [outer, inner] = ['/docker/outer', '/docker/outer/docker/inner'];
    const first = new Bench('below');
    first.retention.name(first.appear('outer'), named('outer'));
    const cgroup = first.appear('inner', inner);
    first.retention.name(cgroup, named('inner'));
    first.count({ [outer]: 1, [inner]: 1 }, 10);

    const second = new Bench('below');
    second.retention.restore(saved(first).records, 20);
    second.retention.name(second.appear('outer'), named('outer'));
    second.appear('inner', inner);
    second.count({ [outer]: 1, [inner]: 1 }, undefined);
    expect(second.kills()).toEqual({ outer: [0, undefined], inner: [1, 10] });

    // The same when the inner one is forgotten.
    first.remove(cgroup, 11);
    first.retention.update(12 + HOUR);
    const third = new Bench('below');
    third.retention.restore(saved(first).records, 20);
    third.retention.name(third.appear('outer'), named('outer'));
    third.count({ [outer]: 1 }, undefined);
    expect(third.kills()).toEqual({ outer: [0, undefined] });
  });

  it('knows which of two containers at a path is the one that lives', () => {
    const first = new Bench('below');
    for (const at of [10, 20]) {
      const cgroup = first.appear('a');
      first.retention.name(cgroup, named('web'));
      first.count({ '/docker/a': 1 }, at);
      if (at < 20) first.remove(cgroup, at);
    }
    const second = new Bench('below');
    second.retention.restore(saved(first).records, 30);
    // It has the inode that it had.
    second.appear('b');
    second.appear('a');
    second.count({ '/docker/a': 1 }, undefined);
    expect([second.kills(), second.retention.kills]).toEqual([{ web: [2, 20] }, 2]);
  });

  it('has the kills in cgroups inside that are gone, on v1', () => {
    const first = new Bench('own');
    first.retention.name(first.appear('a'), named('web'));
    first.count({ '/docker/a': 0, '/docker/a#/unit': 1 }, 5);
    const early = saved(first).records;
    first.count({ '/docker/a': 0 }, 6);
    const late = saved(first).records;
    for (const records of [early, late]) {
      const second = new Bench('own');
      second.retention.restore(records, 20);
      second.appear('a');
      second.count({ '/docker/a': 2 }, 30);
      expect(second.kills()).toEqual({ web: [3, 30] });
    }
  });

  it('keeps the times over a reboot, and begins to count at 0', () => {
    const bench = new Bench('below');
    bench.totals.restore(0, afterReboot(saved(before())));
    expect(bench.kills()).toEqual({ web: [undefined, 10], gone: [undefined, 10] });
    expect(bench.retention.kills).toBe(0);
    bench.retention.name(bench.appear('c'), named('web'));
    bench.count({ '/docker/c': 0 }, undefined);
    expect(bench.kills()['web']).toEqual([0, 10]);
  });

  it('is refused if it is none', () => {
    for (const text of [
      '',
      '{',
      '[]',
      '{"version":1}',
      '{"version":2,"bootId":"x"}',
      '{"version":2,"bootId":"x","expiredKills":-1}',
    ]) {
      expect(() => parseState(text), text).toThrow(SyntaxError);
    }
  });
});
