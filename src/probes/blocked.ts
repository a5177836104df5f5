import type { ProbeProcess } from './probe-process.ts';

/** A subject whose look-up does not return. */
export interface Blocked {
  /** `undefined`: the process was killed and is gone. */
  probe: ProbeProcess | undefined;
  readonly owner: string;
  readonly shownAs: string;
  /** It takes so long that its process is killed if another subject needs one. */
  isSlow: boolean;
  /** It takes so long that the hang is logged. */
  stuck: boolean;
  /** How long it is left alone if its process is killed, in ms. */
  leftAloneMs: number;
  /** When it is no longer skipped, in ms of `performance.now()`. */
  until: number;
}

/** When to ask about a subject. `later`: once other look-ups have returned, or are known to hang. */
export type Turn = 'now' | 'later' | 'never';

/** How many processes the subjects of one owner may block: new subjects, and those that have answered so far. */
const MOST_OF_OWNER = { unknown: 2, trusted: 4 };

/** When to ask about another subject of an owner. */
export function turnAmong(all: Iterable<Blocked>, owner: string, kind: keyof typeof MOST_OF_OWNER): Turn {
  const ofOwner = [...all].filter((other) => other.probe !== undefined && other.owner === owner);
  if (ofOwner.length < MOST_OF_OWNER[kind]) return 'now';
  return ofOwner.every(({ stuck }) => stuck) ? 'never' : 'later';
}
