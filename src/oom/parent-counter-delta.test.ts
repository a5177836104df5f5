import { describe, expect, it } from 'vitest';
import { createRecord, type ContainerRecord } from './container-record.ts';
import { ParentCounterDelta } from './parent-counter-delta.ts';

function lifeAt(path: string): ContainerRecord {
  const match = { engine: 'docker', id: 'a', infra: false };
  return createRecord({ match, path, inode: 1, outer: undefined, goneAt: undefined });
}

describe('ParentCounterDelta', () => {
  const pod = '/kubepods/pod1';
  const alone = (): boolean => false;

  it('knows what a cgroup held as long as a container in it is known', () => {
    const parentDelta = new ParentCounterDelta();
    const life = lifeAt(`${pod}/a`);
    parentDelta.settle(new Map([[pod, 2]]), [life], alone);
    parentDelta.settle(new Map(), [life], alone);
    parentDelta.departed(life);
    expect(parentDelta.settle(new Map([[pod, 3]]), [life], alone)).toEqual(new Map([[life, 1]]));
  });

  it('keeps nothing of a cgroup whose containers are all forgotten', () => {
    const parentDelta = new ParentCounterDelta();
    parentDelta.settle(new Map([[pod, 2]]), [lifeAt(`${pod}/a`)], alone);
    parentDelta.settle(new Map(), [], alone);
    // As at the first look, it is not known how many of these are new.
    const life = lifeAt(`${pod}/a`);
    parentDelta.departed(life);
    expect(parentDelta.settle(new Map([[pod, 3]]), [life], alone)).toEqual(new Map());
  });
});
