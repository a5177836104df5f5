import { describe, expect, it } from 'vitest';
import { pollInterval, type Reporters, type Situation } from './poll-interval.ts';

const CALM: Situation = { isBurst: false, hasMore: false, hasYoung: false, isUnsettled: false };

const BOTH = { events: true, log: true };
const LOG = { events: false, log: true };
const NONE = { events: false, log: false };

describe('pollInterval', () => {
  it.each<[string, Partial<Situation>, Reporters, number]>([
    ['wakes the exporter once a second while a source reports kills', {}, LOG, 1_000],
    ['also with inotify alone', {}, { events: true, log: false }, 1_000],
    ['is short after a start, which may be the first of a storm', { hasYoung: true }, LOG, 200],
    ['is not if inotify reports each kill', { hasYoung: true }, BOTH, 1_000],
    ['is a fraction of the time that an engine takes to remove a container, without reports', {}, NONE, 20],
    ['is shorter still for a young container without reports', { hasYoung: true }, NONE, 5],
    ['looks again soon for what a kill still lacks', { isUnsettled: true, hasYoung: true }, LOG, 100],
    ['follows a burst closely', { isBurst: true, isUnsettled: true }, BOTH, 5],
    ['reads on in a log that is not read to its end', { hasMore: true }, BOTH, 5],
  ])('%s', (_, situation, by, ms) => {
    expect(pollInterval({ ...CALM, ...situation }, by)).toBe(ms);
  });
});
