import { describe, expect, it } from 'vitest';
import { killIn, matchOf } from '../../test/oom-bench.ts';
import type { OomEvent } from '../kernel/oom-events.ts';
import type { ProcessPlace } from './container-processes.ts';
import type { KmsgKill } from './container-record.ts';
import { GroupMembers, type SeenKill } from './group-members.ts';

const A = '/docker/a';
const placeIn = (cgroup: string): ProcessPlace => ({
  container: { path: cgroup, inode: 1, match: matchOf('x'), seenAt: 0 },
  cgroup,
});

/** The lines of the kernel's log after it has announced that it kills the processes in `/docker/a`. */
class Scene {
  readonly group: OomEvent & { isOver: boolean } = { group: A, isOver: false };
  unreported = 0;
  readonly members = new GroupMembers({
    contains: (group, { cgroup }) => {
      if (!cgroup.startsWith(group)) return 'no';
      return cgroup.endsWith('late') ? 'unknown' : 'yes';
    },
    unreportedKills: () => this.unreported,
  });
  readonly events: (OomEvent & { perhapsPartOf?: OomEvent | undefined; group: string | undefined })[] = [];

  /** A line that may belong to the group. Returns the pids decided then, with the event's group. */
  line(pid: number, seenIn?: string): unknown {
    const event = { group: undefined, isOver: false, perhapsPartOf: this.group };
    this.events.push(event);
    return told(this.members.add(this.#kill(pid, event), seenIn === undefined ? undefined : placeIn(seenIn), 0));
  }

  /** The first process of the group again. */
  certain(pid: number): unknown {
    return told(this.members.add({ ...this.#kill(pid, this.group), cgroup: A }, undefined, 0));
  }

  /** The counters are read. */
  settle(now: number): unknown {
    const kills: SeenKill[] = [];
    for (const kill of this.members.settle(now)) {
      this.unreported = Math.max(0, this.unreported - 1);
      kills.push(kill);
    }
    return told(kills);
  }

  #kill(pid: number, event: OomEvent): KmsgKill {
    return { ...killIn(undefined, 5), pid, event };
  }
}

const told = (kills: readonly SeenKill[]): unknown => kills.map(({ kill }) => [kill.pid, kill.cgroup]);

describe('GroupMembers', () => {
  it('takes all lines before a certain member as members', () => {
    const scene = new Scene();
    expect([scene.line(1), scene.line(2), scene.certain(9)]).toEqual([
      [],
      [],
      [
        [1, A],
        [2, A],
        [9, A],
      ],
    ]);
    expect([scene.line(3), scene.line(4, `${A}/inner`)]).toEqual([
      [],
      [
        [3, A],
        [4, A],
      ],
    ]);
  });

  it('takes no line after a stranger as a member', () => {
    const scene = new Scene();
    scene.unreported = 9;
    expect([scene.line(1, A), scene.line(2, '/docker/b'), scene.line(3), scene.settle(9_000)]).toEqual([
      [[1, A]],
      [[2, undefined]],
      [[3, undefined]],
      [],
    ]);
  });

  it('waits for a certain member or the counter if a container may have taken the path later', () => {
    const before = new Scene();
    expect([before.line(1), before.line(2, `${A}/late`), before.line(3, A)]).toEqual([
      [],
      [],
      [
        [1, A],
        [2, A],
        [3, A],
      ],
    ]);
    const counted = new Scene();
    counted.unreported = 1;
    expect([counted.line(1, `${A}/late`), counted.settle(1_400), counted.settle(1_600)]).toEqual([[], [], [[1, A]]]);
    const later = new Scene();
    expect([later.line(1, `${A}/late`), later.settle(1_400), later.settle(1_600), later.settle(1_600)]).toEqual([
      [],
      [],
      [[1, undefined]],
      [],
    ]);
  });

  it('asks the counter about what neither a place nor another line tells', () => {
    const scene = new Scene();
    scene.line(1);
    scene.line(2);
    scene.unreported = 1;
    // More lines may follow, which tell.
    expect(scene.settle(1_000)).toEqual([]);
    scene.group.isOver = true;
    expect([scene.settle(1_000), scene.settle(1_400), scene.settle(1_600), scene.settle(1_600)]).toEqual([
      [[1, A]],
      [],
      [],
      [],
    ]);
    scene.unreported = 1;
    expect(scene.settle(1_700)).toEqual([]);
  });

  it('leaves the first victim of the next group to that', () => {
    const scene = new Scene();
    scene.unreported = 9;
    scene.line(1);
    Object.assign(scene.events[0]!, { group: '/docker/b', perhapsPartOf: undefined });
    expect(scene.settle(0)).toEqual([[1, undefined]]);
  });
});
