import { describe, expect, it } from 'vitest';
import { EventCount, type GroupKills } from './event-count.ts';

describe('EventCount', () => {
  it('counts what the kernel log reports, at once', () => {
    const events = new EventCount();
    events.report();
    events.note(0, 0);
    expect([events.total, events.isWaiting]).toEqual([1, false]);
  });

  it('counts a kill that only a counter has once the kernel log can be expected to have reported it', () => {
    const events = new EventCount();
    events.note(1, 0);
    events.release(900, 'kmsg', undefined);
    expect([events.total, events.isWaiting]).toEqual([0, true]);
    events.release(1_000, 'kmsg', undefined);
    expect([events.total, events.isWaiting]).toEqual([1, false]);
    // The report arrives late.
    events.report();
    events.note(0, 1_100);
    expect([events.total, events.releasedKills]).toEqual([1, 0]);
    events.note(1, 1_200);
    events.release(9_000, 'kmsg', undefined);
    expect(events.total).toBe(2);
  });

  it('counts at once where nothing else can explain a kill', () => {
    const events = new EventCount();
    events.note(3, 0);
    events.release(0, 'nothing', undefined);
    expect(events.total).toBe(3);
  });

  it('does not wait for ever while there is a kill after the other', () => {
    const events = new EventCount();
    for (let time = 0; time <= 2_000; time += 100) {
      events.note(1 + time / 100, time);
      events.release(time, 'kmsg', undefined);
    }
    expect(events.total).toBe(21);
  });

  describe('without the kernel log, of processes that are killed together', () => {
    const groups = (count: number | undefined, set: GroupKills['set']): GroupKills => ({ count, set });

    it('counts one event a group, also if the chosen process is counted first', () => {
      const events = new EventCount();
      events.note(1, 0);
      // The kernel raises oom_kill a moment before oom_group_kill.
      events.release(10_000, 'groups', groups(0, 'itself'));
      expect([events.total, events.releasedKills]).toEqual([0, 1]);
      events.note(6, 10_100);
      events.release(20_000, 'groups', groups(1, 'itself'));
      expect(events.total).toBe(1);
      events.note(12, 20_100);
      events.release(30_000, 'groups', groups(2, 'itself'));
      expect(events.total).toBe(2);
    });

    it('waits until all of them are dead', () => {
      const events = new EventCount();
      for (let kills = 1; kills <= 6; kills += 1) {
        events.note(kills, kills * 100);
        events.release(kills * 100, 'groups', groups(undefined, 'itself'));
      }
      expect([events.total, events.isWaiting]).toEqual([0, true]);
      events.release(1_100, 'groups', groups(undefined, 'itself'));
      expect([events.total, events.isWaiting]).toEqual([1, false]);
    });

    it('counts one event where a cgroup above has asked for it', () => {
      const events = new EventCount();
      events.note(4, 0);
      events.release(1_000, 'groups', groups(0, 'above'));
      expect(events.total).toBe(1);
    });

    it('counts every kill where no cgroup has asked for it, and groups inside the container', () => {
      const events = new EventCount();
      events.note(3, 0);
      events.release(1_000, 'groups', groups(0, 'no'));
      expect(events.total).toBe(3);
      events.note(9, 2_000);
      events.release(3_000, 'groups', groups(1, 'no'));
      expect(events.total).toBe(4);
    });

    it('does not count a group again that the kernel log has reported', () => {
      const events = new EventCount();
      events.report();
      events.note(0, 0);
      events.release(0, 'kmsg', groups(1, 'itself'));
      // The log loses one kill, and one more follows.
      events.note(6, 100);
      events.release(9_000, 'groups', groups(2, 'itself'));
      expect(events.total).toBe(2);
    });
  });

  it('survives a restart', () => {
    const first = new EventCount();
    first.report();
    first.note(2, 0);
    first.release(9_000, 'groups', { count: 3, set: 'no' });
    const second = new EventCount();
    second.restore(first.save());
    expect([second.total, second.releasedKills]).toEqual([3, 2]);
    second.note(3, 10_000);
    second.release(20_000, 'groups', { count: 3, set: 'no' });
    expect(second.total).toBe(4);
  });
});
