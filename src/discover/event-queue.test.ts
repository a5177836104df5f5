import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('the queue of events', () => {
  it('handles events in their order, and none at once', async () => {
    const queue = new EventQueue();
    const handled: string[] = [];
    for (const name of ['a', 'b', 'c']) queue.push('/d', () => handled.push(name));
    expect(handled).toEqual([]);
    await nextTurn();
    expect(handled).toEqual(['a', 'b', 'c']);
  });

  it('lets the event loop turn while many events wait', async () => {
    const queue = new EventQueue();
    const handled: number[] = [];
    for (let event = 0; event < 20; event += 1) {
      queue.push('/d', () => {
        block(4);
        handled.push(event);
      });
    }
    await nextTurn();
    expect(handled.length).toBeGreaterThan(0);
    expect(handled.length).toBeLessThan(20);
    while (handled.length < 20) await nextTurn();
    expect(handled).toEqual(Array.from({ length: 20 }, (_, event) => event));
  });

  it('handles some events in each turn, however slow they are', async () => {
    const queue = new EventQueue();
    const handled: number[] = [];
    for (let event = 0; event < 40; event += 1) {
      queue.push('/d', () => {
        block(2);
        handled.push(event);
      });
    }
    await nextTurn();
    expect(handled).toHaveLength(16);
  });

  it('does what can wait when there are no events, in parts', async () => {
    const queue = new EventQueue();
    const order: string[] = [];
    for (const work of ['work 1', 'work 2']) {
      queue.later(() => {
        block(12);
        order.push(work);
      });
    }
    for (let event = 0; event < 17; event += 1) {
      queue.push('/d', () => {
        block(1);
        order.push('event');
      });
    }
    await nextTurn();
    expect(order).toEqual(Array(16).fill('event'));
    await nextTurn();
    expect(order.slice(16)).toEqual(['event', 'work 1']);
    await nextTurn();
    expect(order.slice(18)).toEqual(['work 2']);
  });

  it('does what can wait after half a second although there are always events', async () => {
    const queue = new EventQueue();
    const start = performance.now();
    const done: number[] = [];
    queue.later(() => done.push(performance.now() - start));
    while (done.length === 0 && performance.now() - start < 5_000) {
      for (let event = 0; event < 40; event += 1) queue.push('/d', () => block(1));
      await nextTurn();
    }
    expect(done[0]).toBeGreaterThan(450);
  });

  it('calls back after all events so far, also if they take several turns', async () => {
    const queue = new EventQueue();
    const order: string[] = [];
    queue.afterPending(() => order.push('callback'));
    for (let event = 0; event < 10; event += 1) {
      queue.push('/d', () => {
        block(4);
        order.push('event');
      });
    }
    while (order.length < 11) await nextTurn();
    expect(order).toEqual([...Array<string>(10).fill('event'), 'callback']);
  });

  it('calls back if there are no events', async () => {
    const queue = new EventQueue();
    await expect(new Promise<void>((resolve) => queue.afterPending(resolve))).resolves.toBeUndefined();
  });

  it('takes no more events of a directory of which too many wait, and all others', async () => {
    const queue = new EventQueue();
    let accepted = 0;
    for (let event = 0; event < 20_000; event += 1) if (queue.push('/flood', () => {})) accepted += 1;
    expect(accepted).toBe(8_192);
    const isHandled = new Promise<void>((resolve) => expect(queue.push('/calm', resolve)).toBe(true));
    await isHandled;
    expect(queue.push('/flood', () => {})).toBe(true);
  });

  it('is bounded if many directories flood it together', () => {
    const queue = new EventQueue();
    let accepted = 0;
    for (let directory = 0; directory < 100; directory += 1) {
      while (queue.push(`/d${directory}`, () => {})) accepted += 1;
    }
    expect(accepted).toBeLessThan(65_536 + 100 * 64);
    expect(queue.push('/calm', () => {})).toBe(true);
  });
});
