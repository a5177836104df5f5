import { describe, expect, it } from 'vitest';
import { createLife, type Life } from './life.ts';
import { Residue } from './residue.ts';

function lifeAt(path: string): Life {
  const match = { engine: 'docker', id: 'a', infra: false };
  return createLife({ match, path, inode: 1, outer: undefined, goneAt: undefined });
}

describe('Residue', () => {
  const pod = '/kubepods/pod1';
  const alone = (): boolean => false;

  it('knows what a cgroup held as long as a container in it is known', () => {
    const residue = new Residue();
    const life = lifeAt(`${pod}/a`);
    residue.settle(new Map([[pod, 2]]), [life], alone);
    residue.settle(new Map(), [life], alone);
    residue.departed(life);
    expect(residue.settle(new Map([[pod, 3]]), [life], alone)).toEqual(new Map([[life, 1]]));
  });

  it('keeps nothing of a cgroup whose containers are all forgotten', () => {
    const residue = new Residue();
    residue.settle(new Map([[pod, 2]]), [lifeAt(`${pod}/a`)], alone);
    residue.settle(new Map(), [], alone);
    // As at the first look, it is not known how many of these are new.
    const life = lifeAt(`${pod}/a`);
    residue.departed(life);
    expect(residue.settle(new Map([[pod, 3]]), [life], alone)).toEqual(new Map());
  });
});
