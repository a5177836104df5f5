import { describe, expect, it } from 'vitest';
import { createRecord, type ContainerRecord } from './container-record.ts';
import { ParentCounterDelta } from './parent-counter-delta.ts';

function recordAt(path: string): ContainerRecord {
  const match = { engine: 'docker', id: 'a', infra: false };
  return createRecord({ match, path, inode: 1, outer: undefined, removedAt: undefined });
}

describe('ParentCounterDelta', () => {
  const pod = '/kubepods/pod1';
  const alone = (): boolean => false;

  it('knows what a cgroup held as long as a container in it is known', () => {
    const parentDelta = new ParentCounterDelta();
    const record = recordAt(`${pod}/a`);
    parentDelta.settle(new Map([[pod, 2]]), [record], alone);
    parentDelta.settle(new Map(), [record], alone);
    parentDelta.noteRemoved(record);
    expect(parentDelta.settle(new Map([[pod, 3]]), [record], alone)).toEqual(new Map([[record, 1]]));
  });

  it('keeps nothing of a cgroup whose containers are all forgotten', () => {
    const parentDelta = new ParentCounterDelta();
    parentDelta.settle(new Map([[pod, 2]]), [recordAt(`${pod}/a`)], alone);
    parentDelta.settle(new Map(), [], alone);
    // As in the first reading, it is unknown how many of these kills are new.
    const record = recordAt(`${pod}/a`);
    parentDelta.noteRemoved(record);
    expect(parentDelta.settle(new Map([[pod, 3]]), [record], alone)).toEqual(new Map());
  });
});
