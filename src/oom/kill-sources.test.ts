import { describe, expect, it } from 'vitest';
import { KillSources } from './kill-sources.ts';

const OUTER = '/docker/a';
const INNER = '/docker/a/inner';

describe('KillSources', () => {
  it('counts a kill once, whichever source reports it first', () => {
    const logFirst = new KillSources();
    logFirst.report(OUTER, 5);
    logFirst.count(OUTER, 1);
    expect(logFirst.sum(0)).toEqual({ kills: 1, reported: 1 });

    const counterFirst = new KillSources();
    counterFirst.count(OUTER, 1);
    expect(counterFirst.sum(0)).toEqual({ kills: 1, reported: 0 });
    counterFirst.report(OUTER, 5);
    expect(counterFirst.sum(0)).toEqual({ kills: 1, reported: 1 });
  });

  it('does not take back what a counter has said', () => {
    const sources = new KillSources();
    sources.count(OUTER, 3);
    sources.count(OUTER, 1);
    expect([sources.counterOf(OUTER), sources.sum(0).kills]).toEqual([3, 3]);
  });

  it('counts a kill once whose victim had moved into an inner cgroup, and is known by its pid', () => {
    const sources = new KillSources();
    sources.report(undefined, 5);
    expect(sources.sum(0)).toEqual({ kills: 1, reported: 1 });
    sources.count(INNER, 1);
    expect(sources.sum(0)).toEqual({ kills: 1, reported: 1 });
    // The log reports the next kill with its cgroup.
    sources.report(OUTER, 6);
    sources.count(OUTER, 1);
    expect(sources.sum(0)).toEqual({ kills: 2, reported: 2 });
    // The log reports another kill by its pid alone.
    sources.report(undefined, 7);
    expect(sources.sum(0)).toEqual({ kills: 3, reported: 3 });
  });

  it('counts a kill in a removed cgroup once, also if the log reports it late', () => {
    const sources = new KillSources();
    sources.count(INNER, 2);
    sources.foldRemoved(() => false, 10);
    expect(sources.sum(0)).toEqual({ kills: 2, reported: 0 });
    sources.report(INNER, 9);
    expect(sources.sum(0)).toEqual({ kills: 2, reported: 1 });
    sources.report(undefined, 9);
    expect(sources.sum(0)).toEqual({ kills: 2, reported: 2 });
    // A later kill belongs to another cgroup with that name.
    sources.report(INNER, 11);
    expect(sources.sum(0)).toEqual({ kills: 3, reported: 3 });
  });

  it('does not take a kill in one inner cgroup for one in another', () => {
    const sources = new KillSources();
    sources.count(INNER, 1);
    sources.foldRemoved(() => false, 10);
    sources.report('/docker/a/other', 9);
    expect(sources.sum(0).kills).toBe(2);
    sources.report(INNER, 9);
    expect(sources.sum(0)).toEqual({ kills: 2, reported: 2 });
  });

  it('remembers a bounded number of cgroups, and forgets none of their kills', () => {
    const sources = new KillSources();
    for (let nth = 0; nth < 1_000; nth += 1) {
      sources.count(`${INNER}${nth}`, 1);
      sources.foldRemoved(() => false, 10);
    }
    expect(sources.size).toBe(64);
    sources.foldRemoved(() => false, 100);
    expect([sources.size, sources.sum(0).kills]).toEqual([0, 1_000]);
  });

  it('leaves out the kills of inner containers that a counter includes', () => {
    const sources = new KillSources();
    sources.count(OUTER, 5);
    expect(sources.sum(3)).toEqual({ kills: 2, reported: 0 });
  });

  it('survives a restart', () => {
    const first = new KillSources();
    first.count(OUTER, 2);
    first.report(OUTER, 5);
    first.report(undefined, 5);
    first.count(INNER, 1);
    first.foldRemoved((cgroup) => cgroup !== INNER, 6);
    const second = new KillSources();
    second.restore(first.save(), 20);
    expect(second.sum(0)).toEqual(first.sum(0));
    // The kernel reported it before the first run ended, but that run did not read it.
    second.report(INNER, 5);
    expect(second.sum(0).kills).toBe(first.sum(0).kills);
  });
});
