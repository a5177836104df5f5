import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { defineContainerCollector } from '../collectors/collector.ts';
import { type Lines, linesFor } from './line-cache.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

it('keeps no earlier list of containers', async () => {
  const collectors = ['cpu', 'memory'].map((name) =>
    defineContainerCollector({ name, help: '', read: () => undefined, families: [] }),
  );
  const lines: Lines = new Map();
  const lists: WeakRef<readonly string[]>[] = [];
  for (let scrape = 0; scrape < 20; scrape += 1) {
    const labels = [`container="${scrape}"`, 'container="stays"'];
    lists.push(new WeakRef(labels));
    for (const collector of collectors) linesFor(lines, collector, labels);
  }
  await nextTurn();
  collect();
  expect(lists.filter((list) => list.deref() !== undefined).length).toBeLessThanOrEqual(2);
});
