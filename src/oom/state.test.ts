import { describe, expect, it } from 'vitest';
import { Bench, HOUR, killIn, named } from '../../test/oom-bench.ts';
import { JournalWriter, readJournal } from './state-journal.ts';
import { afterReboot, atBoot, differ, entriesOf, isSameBoot, type State, stateIn, stateOf } from './state.ts';

const BOOT = { id: 'boot', time: 1e9 };

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
  const stateNow = ({ records, totals }: Bench): State => {
    const { expiredKills, archived } = totals;
    const kmsg = { sequence: 7, time: 8 };
    return stateOf({ boot: BOOT, kmsg, savedAt: 20, expiredKills, totals: archived, records: records.all() });
  };
  const saved = (bench: Bench): State =>
    stateIn(readJournal(new JournalWriter().begin(entriesOf(stateNow(bench)))).entries);

  it('is restored by the next run, which counts nothing twice', () => {
    const bench = new Bench('below');
    bench.retention.restore(saved(before()).records, 20);
    expect(bench.kills()).toEqual({ web: [2, 10], gone: [1, 10] });
    // The first container still runs with the same inode, and had one more kill meanwhile.
    bench.appear('a');
    bench.count({ '/docker/a': 3 }, undefined);
    bench.report('/docker/a', 15);
    expect(bench.kills()).toEqual({ web: [3, 15], gone: [1, 10] });
    bench.retention.update(11 + HOUR);
    expect(bench.kills()).toEqual({ web: [3, 15], gone: [1, 10] });
    bench.retention.update(12 + HOUR);
    expect(bench.kills()).toEqual({ web: [3, 15] });
  });

  it('has the kills whose reports are read, and that are not counted yet', () => {
    const first = new Bench('below');
    first.appear('a');
    first.attribution.fromKmsg(killIn('/docker/a', 10), undefined);
    const second = new Bench('below');
    second.retention.restore(saved(first).records, 20);
    second.attribution.restored();
    second.attribution.settle(20);
    expect(second.retention.kills).toBe(1);
  });

  it('tells the kills of an inner container from those of the outer one', () => {
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

    // The result is the same after the inner record is dropped.
    first.remove(cgroup, 11);
    first.retention.update(12 + HOUR);
    const third = new Bench('below');
    third.retention.restore(saved(first).records, 20);
    third.retention.name(third.appear('outer'), named('outer'));
    third.count({ [outer]: 1 }, undefined);
    expect(third.kills()).toEqual({ outer: [0, undefined] });
  });

  it('finds the live one of two containers at one path', () => {
    const first = new Bench('below');
    for (const at of [10, 20]) {
      const cgroup = first.appear('a');
      first.retention.name(cgroup, named('web'));
      first.count({ '/docker/a': 1 }, at);
      if (at < 20) first.remove(cgroup, at);
    }
    const second = new Bench('below');
    second.retention.restore(saved(first).records, 30);
    // The container has the same inode.
    second.appear('b');
    second.appear('a');
    second.count({ '/docker/a': 1 }, undefined);
    expect([second.kills(), second.retention.kills]).toEqual([{ web: [2, 20] }, 2]);
  });

  it('includes kills in removed inner cgroups, on v1', () => {
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

  it('keeps the times over a reboot, and starts to count at 0', () => {
    const bench = new Bench('below');
    bench.totals.restore(0, afterReboot(saved(before())));
    expect(bench.kills()).toEqual({ web: [undefined, 10], gone: [undefined, 10] });
    expect(bench.retention.kills).toBe(0);
    bench.retention.name(bench.appear('c'), named('web'));
    bench.count({ '/docker/c': 0 }, undefined);
    expect(bench.kills()['web']).toEqual([0, 10]);
  });

  describe('restored at another moment', () => {
    /** The times of two kills 10 s after boot, from a state that was saved 20 s after boot. */
    const lastKills = (boot: typeof BOOT, now: number): (number | undefined)[] =>
      atBoot(saved(before()), boot, now).records.map(({ lastKill }) => lastKill);

    it('keeps its times within a boot, however the wall clock is set', () => {
      for (const step of [0, 7_200, -7_200]) {
        const boot = { ...BOOT, time: BOOT.time + step };
        expect(lastKills(boot, 100)).toEqual([10, 10]);
        expect(isSameBoot(saved(before()), boot, 100)).toBe(true);
      }
    });

    it('adds the time that the machine was off to the ages of kills', () => {
      const boot = { id: 'other', time: BOOT.time + 20 + 300 };
      // The kill was 10 s before the save, the machine was off for 300 s, and it booted 5 s ago.
      expect(lastKills(boot, 5)).toEqual([5 - 315, 5 - 315]);
      expect(isSameBoot(saved(before()), boot, 5)).toBe(false);
    });

    it('does not make kills younger if the wall clock was set back meanwhile', () => {
      const boot = { id: 'other', time: BOOT.time - 7_200 };
      expect(lastKills(boot, 5)).toEqual([5 - 10, 5 - 10]);
    });

    it('counts as of another boot if the machine was set back to an earlier moment', () => {
      expect(isSameBoot(saved(before()), BOOT, 15)).toBe(false);
      expect(lastKills(BOOT, 15)).toEqual([5, 5]);
    });

    it('puts no kill into the future', () => {
      const state = saved(before());
      const damaged = { ...state, records: state.records.map((record) => ({ ...record, lastKill: 1e6 })) };
      expect(atBoot(damaged, BOOT, 100).records.map(({ lastKill }) => lastKill)).toEqual([100, 100]);
    });
  });

  it('reads what was written', () => {
    const bench = before();
    expect(saved(bench)).toEqual(JSON.parse(JSON.stringify(stateNow(bench))));
  });

  it("is not written again if only the position in the kernel's log and the time have changed", () => {
    const state = stateNow(before());
    const entries = entriesOf(state);
    expect(differ(entries, entriesOf({ ...state, kmsg: { sequence: 8, time: 9 } }))).toBe(false);
    expect(differ(entries, entriesOf({ ...state, kmsg: undefined }))).toBe(false);
    expect(differ(entries, entriesOf({ ...state, savedAt: 21 }))).toBe(false);
    expect(differ(entries, entriesOf({ ...state, boot: { ...BOOT, time: 1e9 + 7200 } }))).toBe(true);
    expect(differ(entries, entriesOf({ ...state, expiredKills: 1 }))).toBe(true);
    expect(differ(entries, entriesOf({ ...state, records: state.records.slice(1) }))).toBe(true);
  });

  it('is rejected if entries are missing or malformed', () => {
    const entries = new Map(Object.entries({ boot: BOOT, saved: 1, expired: 0, kmsg: { sequence: 1, time: 1 } }));
    expect(() => stateIn(entries)).not.toThrow();
    for (const [key, value] of Object.entries({
      boot: 'x',
      saved: 'x',
      expired: -1,
      kmsg: { sequence: 1.5, time: 1 },
      'total:x': {},
      'record:x': [],
    })) {
      expect(() => stateIn(new Map<string, unknown>([...entries, [key, value]])), key).toThrow(SyntaxError);
    }
    expect(() => stateIn(new Map())).toThrow(SyntaxError);
  });
});
