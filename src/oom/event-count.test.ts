import { describe, expect, it } from 'vitest';
import { EventCount, type GroupKills } from './event-count.ts';

describe('EventCount', () => {
  it('counts what the kernel log reports, at once', () => {
    const events = new EventCount();
    events.report({ group: undefined, isOver: true });
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
    events.report({ group: undefined, isOver: true });
    events.note(0, 1_100);
    expect([events.total, events.releasedKills]).toEqual([1, 0]);
    events.note(1, 1_200);
    events.release(9_000, 'kmsg', undefined);
    expect(events.total).toBe(2);
  });

  it('waits for the end of the kernel log as long as there is more to read, but not for ever', () => {
    const events = new EventCount();
    events.note(5, 0);
    events.release(29_000, 'unread', undefined);
    expect([events.total, events.isWaiting]).toEqual([0, true]);
    events.report({ group: '/a', isOver: true });
    events.note(0, 29_100);
    expect([events.total, events.isWaiting]).toEqual([1, false]);
    events.note(1, 30_000);
    events.release(60_000, 'unread', undefined);
    expect([events.total, events.isWaiting]).toEqual([2, false]);
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
      events.report({ group: undefined, isOver: true });
      events.note(0, 0);
      events.release(0, 'kmsg', groups(1, 'itself'));
      // The log loses one kill, and one more follows.
      events.note(6, 100);
      events.release(9_000, 'groups', groups(2, 'itself'));
      expect(events.total).toBe(2);
    });
  });

  describe('of a container that is gone', () => {
    const eventsOf = (kills: number, groups: GroupKills): number => {
      const events = new EventCount();
      events.note(kills, 0);
      events.release(9_000, 'groups', groups);
      return events.total;
    };

    it('counts one event for each group that a counter above shows', () => {
      expect(eventsOf(6, { count: 1, set: 'unknown', isFinal: true })).toBe(1);
      expect(eventsOf(12, { count: 2, set: 'unknown', isFinal: true })).toBe(2);
      expect(eventsOf(2, { count: 0, set: 'unknown', isFinal: true })).toBe(2);
    });

    it('counts kills at once as one event if nothing tells whether they were a group', () => {
      expect(eventsOf(6, { count: undefined, set: 'unknown', isFinal: true })).toBe(1);
    });

    it('counts an event whose group the counter has not shown any more', () => {
      expect(eventsOf(1, { count: 0, set: 'itself', isFinal: true })).toBe(1);
      const events = new EventCount();
      events.note(1, 0);
      events.release(9_000, 'groups', { count: 0, set: 'itself', isFinal: true });
      events.note(6, 9_000);
      events.release(19_000, 'groups', { count: 1, set: 'itself', isFinal: true });
      expect(events.total).toBe(1);
    });
  });

  it('does not count a group again of which the kernel log has reported a part', () => {
    const events = new EventCount();
    const event: { group: string | undefined; isOver: boolean } = { group: undefined, isOver: false };
    events.report(event);
    // The kernel names the group after the first kill.
    events.note(0, 0);
    events.release(0, 'kmsg', { count: 0, set: 'itself' });
    event.group = '/a';
    events.note(3, 100);
    events.release(9_000, 'kmsg', { count: 1, set: 'itself' });
    expect([events.total, events.releasedKills]).toEqual([1, 3]);
    events.note(9, 9_100);
    events.release(19_000, 'kmsg', { count: 2, set: 'itself' });
    expect(events.total).toBe(2);
  });

  it('counts a group that only a counter has after one that the log reported late', () => {
    const events = new EventCount();
    events.note(6, 0);
    events.release(2_000, 'kmsg', { count: 1, set: 'itself' });
    events.report({ group: '/a', isOver: true });
    events.note(0, 3_000);
    events.release(3_000, 'kmsg', { count: 1, set: 'itself' });
    events.note(6, 4_000);
    events.release(9_000, 'kmsg', { count: 2, set: 'itself' });
    expect(events.total).toBe(2);
  });

  it('survives a restart', () => {
    const first = new EventCount();
    first.report({ group: undefined, isOver: true });
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
