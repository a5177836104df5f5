import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';
import { EventReconciler } from './event-reconciler.ts';

/** One path in a file system whose every change queues an event, and an observer that counts the changes. */
class Scene {
  made = 0;
  started = 0;
  removed = 0;
  lost = 0;
  queued = 0;
  #inode: number | undefined;
  #known: number | undefined;
  readonly #balance = new EventReconciler({
    events: new EventQueue(),
    onUnseen: () => {
      this.started += 1;
      this.removed += 1;
    },
    onHalf: () => {},
    onLost: () => {
      this.lost += 1;
    },
  });

  change(): void {
    if (this.#inode === undefined) this.made += 1;
    this.#inode = this.#inode === undefined ? this.made : undefined;
    this.queued += 1;
  }

  deliver(): void {
    if (this.queued === 0) return;
    this.queued -= 1;
    this.#balance.delivered('/c', 'certain', () => this.look());
  }

  look(): void {
    if (this.#known === this.#inode) return;
    if (this.#known !== undefined) {
      this.removed += 1;
      this.#balance.noticed('/c', 'certain');
    }
    if (this.#inode !== undefined) {
      this.started += 1;
      this.#balance.noticed('/c', 'certain');
    }
    this.#known = this.#inode;
  }

  async drain(): Promise<void> {
    while (this.queued > 0) this.deliver();
    for (let turn = 0; turn < 6; turn += 1) await nextTurn();
  }
}

describe('the balance of events', () => {
  it('counts every life once, however changes, events and looks come in between each other', async () => {
    const step = fc.constantFrom('change' as const, 'deliver' as const, 'look' as const);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const scene = new Scene();
        for (const name of steps) scene[name]();
        const alive = await scene.drain().then(() => scene.made - scene.removed);
        expect(scene.started).toBe(scene.made);
        expect(alive === 0 || alive === 1).toBe(true);
        expect(scene.lost).toBe(0);
      }),
    );
  });

  it('notices that an event of something that came was lost', async () => {
    const scene = new Scene();
    scene.change();
    scene.queued = 0;
    scene.look();
    await scene.drain();
    expect(scene).toMatchObject({ started: 1, removed: 0, lost: 1 });
  });

  it('notices that both events of a path that was taken over were lost', async () => {
    const scene = new Scene();
    scene.change();
    await scene.drain();
    scene.change();
    scene.change();
    scene.queued = 0;
    scene.look();
    await scene.drain();
    expect(scene).toMatchObject({ started: 2, removed: 1, lost: 1 });
  });

  it.each([
    ['uncertain', ['half /c']],
    ['certain', []],
  ] as const)(
    'takes one event for half a life only if the rest may have been before the watch (%s)',
    async (how, told) => {
      const found: string[] = [];
      const balance = new EventReconciler({
        events: new EventQueue(),
        onUnseen: (path) => found.push(`whole ${path}`),
        onHalf: (path) => found.push(`half ${path}`),
        onLost: (path) => found.push(`lost ${path}`),
      });
      balance.delivered('/c', how, () => {});
      for (let turn = 0; turn < 6; turn += 1) await nextTurn();
      expect(found).toEqual(told);
    },
  );

  it('expects no event of what may have happened before the watch', async () => {
    const lost: string[] = [];
    const note = (path: string): unknown => lost.push(path);
    const balance = new EventReconciler({ events: new EventQueue(), onUnseen: note, onHalf: note, onLost: note });
    balance.noticed('/c', 'uncertain');
    for (let turn = 0; turn < 6; turn += 1) await nextTurn();
    expect(lost).toEqual([]);
  });
});
