import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { EventFlood } from './event-flood.ts';

function noted(flood: EventFlood, source: string): number {
  let events = 1;
  while (!flood.note(source) && events < 100_000) events += 1;
  return events;
}

describe('a flood of events', () => {
  it('is more events of one source than a large host causes at once', () => {
    expect(noted(new EventFlood(), '/a')).toBe(8_193);
  });

  it('does not include other sources', () => {
    const flood = new EventFlood();
    noted(flood, '/a');
    expect(flood.note('/b')).toBe(false);
  });

  it('is less of each if many sources cause it together', () => {
    const flood = new EventFlood();
    for (let source = 0; source < 1_000; source += 1)
      for (let event = 0; event < 17; event += 1) flood.note(`/${source}`);
    expect(noted(flood, '/one-more')).toBe(65);
  });

  it('is over when the event loop turns', async () => {
    const flood = new EventFlood();
    noted(flood, '/a');
    await nextTurn();
    expect(noted(flood, '/a')).toBe(8_193);
  });
});
