import type { OomEvent } from '../kernel/oom-events.ts';
import type { ProcessPlace } from './container-processes.ts';
import type { KmsgKill } from './container-record.ts';

/** How long to wait for a line of the kernel's log, or for a counter, that tells whether a kill was a part of a group. In ms. */
const WAIT_MS = 1_500;

/** How many undecided kills are kept. */
const MAX_UNDECIDED = 1_000;

/** A kill, and where its process was last seen. */
export interface SeenKill {
  readonly kill: KmsgKill;
  readonly seenIn: ProcessPlace | undefined;
}

interface Undecided extends SeenKill {
  /** In ms of `performance.now()`. */
  readonly readAt: number;
}

/** What is known about a cgroup whose processes are killed together, by its path in the kernel's log. */
export interface GroupFacts {
  /** Whether a place is in the cgroup whose processes were killed from a time on, in seconds by the steady clock. */
  readonly contains: (group: string, place: ProcessPlace, begunAt: number) => 'yes' | 'no' | 'unknown';
  /** How many kills its counter has that the log has not reported. */
  readonly unreportedKills: (group: string) => number;
}

/**
 * Decides which kills are parts of a group. In a burst the kernel leaves out reports, so that the lines of a group have no end: the next
 * line may be another member, or a kill elsewhere. But the kernel never mixes the lines of two events. So each line before a
 * certain member is a member, and no line after a certain stranger is one. What remains is a member if the counter of the
 * cgroup has a kill that the log has not reported there. Otherwise it is a kill where its process was seen, if it was.
 */
export class GroupMembers {
  readonly #facts: GroupFacts;
  /** Groups after whose lines there was a kill elsewhere. */
  readonly #left = new WeakSet<OomEvent>();
  /** When the first process of each event was killed, in seconds by the steady clock. */
  readonly #begunAt = new WeakMap<OomEvent, number>();
  #undecided: Undecided[] = [];

  constructor(facts: GroupFacts) {
    this.#facts = facts;
  }

  /** Adds a kill, in the order of the kernel's log. Returns the kills that are decided now. `now` is in ms of `performance.now()`. */
  add(kill: KmsgKill, seenIn: ProcessPlace | undefined, now: number): readonly SeenKill[] {
    const { event } = kill;
    const group = event.perhapsPartOf;
    if (!this.#begunAt.has(event)) this.#begunAt.set(event, kill.at);
    if (group === undefined) return [...this.#takeMembers(event), { kill, seenIn }];
    if (this.#left.has(group)) return [{ kill, seenIn }];
    const isMember = seenIn === undefined ? 'unknown' : this.#isMember(group, seenIn);
    if (isMember === 'yes') return [...this.#takeMembers(group), { kill: asMember(kill, group), seenIn }];
    if (isMember === 'no') {
      this.#left.add(group);
      return [{ kill, seenIn }];
    }
    this.#undecided.push({ kill, seenIn, readAt: now });
    if (this.#undecided.length > MAX_UNDECIDED) this.#undecided.shift();
    return [];
  }

  /**
   * Decides by the counters, and by what the log has said since. The caller must report each kill before it takes the next.
   *
   * @param now in ms of `performance.now()`.
   */
  *settle(now: number): Generator<SeenKill> {
    const left: Undecided[] = [];
    for (const undecided of this.#undecided) {
      const { kill, seenIn, readAt } = undecided;
      const group = kill.event.perhapsPartOf;
      const isLate = now - readAt > WAIT_MS;
      // It has turned out to be the first of another group.
      if (group === undefined) yield { kill, seenIn };
      else if ((group.isOver || isLate) && this.#facts.unreportedKills(group.group ?? '') > 0)
        yield { kill: asMember(kill, group), seenIn };
      else if (!isLate) left.push(undecided);
      else if (seenIn !== undefined) yield { kill, seenIn };
    }
    this.#undecided = left;
  }

  #isMember(group: OomEvent, seenIn: ProcessPlace): 'yes' | 'no' | 'unknown' {
    if (group.group === undefined) return 'no';
    return this.#facts.contains(group.group, seenIn, this.#begunAt.get(group) ?? -Infinity);
  }

  #takeMembers(group: OomEvent): SeenKill[] {
    const members = this.#undecided.filter(({ kill }) => kill.event.perhapsPartOf === group);
    if (members.length === 0) return [];
    this.#undecided = this.#undecided.filter(({ kill }) => kill.event.perhapsPartOf !== group);
    return members.map(({ kill }) => ({ kill: asMember(kill, group), seenIn: undefined }));
  }
}

function asMember(kill: KmsgKill, group: OomEvent): KmsgKill {
  return { ...kill, event: group, cgroup: group.group };
}
