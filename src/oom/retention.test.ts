import { describe, expect, it } from 'vitest';
import { Bench, HOUR, named } from '../../test/oom-bench.ts';

describe('a container', () => {
  it('has 0 kills from the start, and leaves nothing behind if it had none', () => {
    const bench = new Bench('below');
    const cgroup = bench.appear('a');
    bench.retention.name(cgroup, named('web'));
    // Before its counter is read, 0 would be a guess.
    expect(bench.kills()).toEqual({ web: [undefined, undefined] });
    // Without a memory cgroup, the kernel's log cannot identify its kills either.
    expect(bench.retention.counts('kmsg')[0]?.kills).toBeUndefined();
    bench.count({ '/docker/a': 0 }, 5);
    expect(bench.kills()).toEqual({ web: [0, undefined] });
    bench.remove(cgroup, 6);
    bench.retention.update(6);
    // The counter above it may still show one.
    expect(bench.kills()).toEqual({ web: [0, undefined] });
    bench.attribution.settle(7);
    bench.attribution.above.noteNoKills();
    bench.retention.update(7);
    expect(bench.kills()).toEqual({});
  });

  it('that is started again continues its series past the retention of its first life', () => {
    const bench = new Bench('below');
    for (let nth = 1; nth <= 5; nth += 1) {
      const at = nth * 2_000;
      const cgroup = bench.appear(`a${nth}`);
      bench.retention.name(cgroup, named('web'));
      bench.count({ [`/docker/a${nth}`]: 1 }, at);
      bench.retention.update(at);
      expect(bench.kills()).toEqual({ web: [nth, at] });
      bench.remove(cgroup, at);
    }
    bench.retention.update(10_000 + HOUR);
    expect(bench.kills()).toEqual({ web: [5, 10_000] });
    bench.retention.update(10_001 + HOUR);
    expect(bench.kills()).toEqual({});
    expect(bench.retention.kills).toBe(5);
  });

  it('that nobody saw is called by its id until its name comes late', () => {
    const bench = new Bench('below');
    bench.report('/docker/short', 10);
    bench.retention.update(10);
    expect(bench.wanted).toEqual(new Set(['docker short']));
    expect([bench.kills(), bench.retention.unnamedKills]).toEqual([{}, 1]);
    bench.retention.update(11);
    expect(bench.kills()).toEqual({});
    bench.retention.update(12);
    expect(bench.kills()).toEqual({ short: [1, 10] });
    bench.names.set('short', 'web');
    bench.retention.update(20);
    expect([bench.kills(), bench.wanted.size]).toEqual([{ web: [1, 10] }, 0]);
  });

  it('that was reported before it was seen is one, whatever engine its path was taken for', () => {
    const bench = new Bench('below');
    bench.report('/docker/a', 10);
    bench.retention.update(18);
    // The kill is old, but the engine had no time to answer yet.
    expect(bench.kills()).toEqual({});
    bench.retention.update(20);
    expect(bench.kills()).toEqual({ a: [1, 10] });
    const cgroup = bench.appear('a', '/docker/a', 'podman');
    // The kill stays exported until the name arrives.
    expect([bench.kills(), bench.retention.unnamedKills]).toEqual([{ a: [1, 10] }, 0]);
    expect(bench.wanted).toEqual(new Set(['podman a']));
    bench.retention.name(cgroup, named('web'));
    bench.count({ '/docker/a': 2 }, 21);
    expect([bench.kills(), bench.retention.kills]).toEqual([{ web: [2, 21] }, 2]);
  });

  it('that was reported before it was seen is still asked about', () => {
    const bench = new Bench('below');
    bench.report('/docker/a', 10);
    bench.retention.update(10);
    bench.appear('a');
    bench.retention.update(11);
    expect(bench.wanted).toEqual(new Set(['docker a']));
  });

  it('that lives is named without a scrape once it has a kill', () => {
    const bench = new Bench('below');
    bench.names.set('a', 'web');
    bench.appear('a');
    bench.appear('b');
    bench.count({ '/docker/a': 1, '/docker/b': 0 }, 5);
    bench.retention.update(5);
    expect(bench.kills()).toEqual({ web: [1, 5] });
  });

  it('that lives is called by its id until a name comes late', () => {
    const bench = new Bench('below');
    bench.patienceMs = 0;
    bench.appear('a');
    bench.count({ '/docker/a': 1 }, 5);
    bench.retention.update(5);
    expect(bench.kills()).toEqual({ a: [1, 5] });
    bench.names.set('a', 'web');
    bench.retention.update(6);
    expect(bench.kills()).toEqual({ web: [1, 5] });
  });

  it('leaves nothing behind if it turns out to be none that is shown, unless it was killed', () => {
    const bench = new Bench('below');
    const [pause, web, killed] = [bench.appear('a'), bench.appear('b'), bench.appear('c')];
    for (const [cgroup, id] of [[pause, 'a'] as const, [web, 'b'] as const, [killed, 'c'] as const]) {
      bench.retention.name(cgroup, named(id));
    }
    bench.count({ '/docker/a': 0, '/docker/b': 0, '/docker/c': 1 }, 5);
    bench.retention.showOnly(new Set([web]));
    expect(bench.kills()).toEqual({ b: [0, undefined], c: [1, 5] });
    bench.retention.name(pause, named('shown'));
    expect(bench.kills()['shown']).toEqual([0, undefined]);
  });

  it('has an error if its counter cannot be read', () => {
    const bench = new Bench('below');
    bench.retention.name(bench.appear('a'), named('web'));
    const [record] = bench.records.live;
    if (record === undefined) throw new Error('There is none');
    bench.attribution.fromCounter({ record, reading: new Error('denied'), groupSetting: undefined }, 5);
    expect(bench.retention.counts('counters')).toMatchObject([{ kills: undefined, error: { message: 'denied' } }]);
  });

  it('does not keep every cgroup that was ever inside, on v1', () => {
    const bench = new Bench('own');
    bench.retention.name(bench.appear('a'), named('web'));
    for (let nth = 1; nth <= 100; nth += 1)
      bench.count({ '/docker/a': 0, [`/docker/a#/job${nth}`]: nth % 2, '/docker/a#/idle': 0 }, nth);
    expect(bench.kills()).toEqual({ web: [50, 99] });
    expect([...bench.records.live].map(({ sources }) => sources.size)).toEqual([16]);
  });

  it('is one of 3,000 with kills that all stay exported for the retention', () => {
    const bench = new Bench('below');
    for (let id = 0; id < 3_000; id += 1) {
      bench.names.set(`c${id}`, `name${id}`);
      bench.report(`/docker/c${id}`, 10 + id / 1000);
      if (id % 100 === 0) bench.retention.update(10 + id / 1000);
    }
    bench.retention.update(20);
    const kills = bench.kills();
    expect(Object.keys(kills).length).toBe(3_000);
    expect(kills['name0']).toEqual([1, 10]);
    expect([...bench.records.removed].length).toBe(1_000);
    expect([bench.retention.kills, bench.totals.expiredKills]).toEqual([3_000, 0]);
    bench.retention.update(12.5 + HOUR);
    expect(Object.keys(bench.kills()).length).toBe(500);
    expect([...bench.records.removed].length).toBe(500);
    bench.retention.update(14 + HOUR);
    expect(bench.kills()).toEqual({});
    expect([bench.retention.kills, bench.totals.expiredKills]).toEqual([3_000, 3_000]);
  });

  it('expires early, and is counted as such, once 10,000 others with kills are gone', () => {
    const bench = new Bench('below');
    bench.patienceMs = 0;
    for (let id = 0; id < 11_100; id += 1) {
      bench.report(`/docker/c${id}`, 10 + id / 10_000);
      if (id % 1_000 === 999) bench.retention.update(12);
    }
    bench.retention.update(12);
    // A thousand containers have records of their own, and ten thousand have totals.
    expect(Object.keys(bench.kills()).length).toBe(11_000);
    expect(bench.kills()['c0']).toBeUndefined();
    expect([bench.retention.kills, bench.totals.expiredKills]).toEqual([11_100, 100]);
  });

  it('has an event for each kill when its record is archived, also if the log has not reported it', () => {
    const bench = new Bench('below');
    const cgroup = bench.appear('a');
    bench.retention.name(cgroup, named('web'));
    bench.count({ '/docker/a': 2 }, 5);
    bench.remove(cgroup, 6);
    for (let id = 0; id < 1_000; id += 1) bench.report(`/docker/c${id}`, 11);
    bench.retention.update(20);
    expect(bench.records.at('/docker/a')).toBeUndefined();
    expect(bench.retention.counts('kmsg')).toContainEqual(
      expect.objectContaining({ labels: named('web').labels, kills: 2, events: 2 }),
    );
  });

  it('goes on counting after its record was archived', () => {
    const bench = new Bench('below');
    bench.names.set('a', 'web');
    bench.report('/docker/a', 10);
    for (let id = 0; id < 1_000; id += 1) bench.report(`/docker/c${id}`, 11);
    bench.retention.update(20);
    const cgroup = bench.appear('b');
    bench.retention.name(cgroup, named('web'));
    bench.count({ '/docker/b': 1 }, 30);
    expect(bench.kills()['web']).toEqual([2, 30]);
  });
});
