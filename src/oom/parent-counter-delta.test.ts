import { describe, expect, it } from 'vitest';
import type { ContainerCgroup } from '../container.ts';
import { ContainerRecords } from './container-records.ts';
import { ParentCounterDelta } from './parent-counter-delta.ts';

const pod = '/kubepods/pod1';

/** A pod with one container, and the counter above it. */
class Scene {
  readonly records = new ContainerRecords();
  readonly above = new ParentCounterDelta({
    records: this.records,
    identify: () => undefined,
    inodeOf: () => undefined,
    afterEvents: (callback) => callback(),
    certainSince: () => -Infinity,
  });

  appear(): ContainerCgroup {
    const match = { engine: 'cri', id: 'a', infra: false };
    const cgroup = { match, path: `${pod}/a`, inode: 1, seenAt: 0 };
    this.records.add(cgroup);
    return cgroup;
  }

  remove(cgroup: ContainerCgroup): void {
    const record = this.records.remove(cgroup, 5);
    if (record !== undefined) this.above.noteRemoved(record);
  }

  /** The kills that the counter reveals. */
  settle(count: number | undefined): number[] {
    const counts = new Map(count === undefined ? [] : [[pod, { kills: count, groups: undefined }]]);
    return [...this.above.settle(counts, () => [], 5).values()].map(({ kills }) => kills);
  }
}

describe('ParentCounterDelta', () => {
  it('knows what a cgroup held as long as a container in it is known', () => {
    const scene = new Scene();
    const cgroup = scene.appear();
    scene.remove(cgroup);
    expect([scene.settle(2), scene.settle(undefined)]).toEqual([[], []]);
    scene.remove(scene.appear());
    expect(scene.settle(3)).toEqual([1]);
  });

  it('keeps nothing of a cgroup whose containers are all forgotten', () => {
    const scene = new Scene();
    scene.remove(scene.appear());
    scene.settle(2);
    for (const record of scene.records.removed) scene.records.drop(record);
    scene.settle(undefined);
    // As in the first reading, it is unknown how many of these kills are new.
    scene.remove(scene.appear());
    expect(scene.settle(3)).toEqual([]);
  });
});
