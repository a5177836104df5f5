import { setTimeout } from 'node:timers/promises';
import type { Child } from './child.ts';
import type { Exporter } from './exporter.ts';
import { percentile } from './statistics.ts';

/** Scrapes before the measurement, one right after the other, so that the compilers have seen the code. A daemon runs for weeks. */
const WARM_UP = 100;

/** How often to scrape until everything has settled, in ms. */
const SETTLING_MS = 1_000;

/** How long after a scrape its CPU time is still counted as that of the scrape, in ms. */
const AFTERMATH_MS = 1000;

/**
 * Scrapes exporters at an interval, one after the other, compressed, as Prometheus does. Before that they settle: for many minutes
 * V8 still compiles what runs seldom, such as the reading of facts about processes, and tidies up after the start. At first
 * this is half of the CPU of a scrape, on other threads.
 *
 * @returns for each: its share of a core in percent, in all and between scrapes, the cost of a scrape in ms, its memory in MB, and
 *   its samples.
 */
export async function pacedCosts(
  exporters: ReadonlyMap<string, Exporter>,
  {
    everySeconds,
    forSeconds,
    settleSeconds,
    floor,
  }: {
    readonly everySeconds: number;
    readonly forSeconds: number;
    readonly settleSeconds: number;
    /** Reads the files alone, at the same interval. */
    readonly floor: Pick<Child, 'round'>;
  },
): Promise<Record<string, number>> {
  for (let round = 0; round < WARM_UP; round += 1) for (const exporter of exporters.values()) await exporter.scrape();
  for (const end = performance.now() + settleSeconds * 1000; performance.now() < end; await setTimeout(SETTLING_MS))
    for (const exporter of exporters.values()) await exporter.scrape();
  const floors: number[] = [];
  const measured = Array.from(exporters, ([name, exporter]) => ({
    name,
    exporter,
    scrapes: new Array<number>(),
    walls: new Array<number>(),
    from: exporter.cpu(),
    rss: 0,
  }));
  await floor.round();
  const start = performance.now();
  for (let round = 1; performance.now() - start < forSeconds * 1000; round += 1) {
    await setTimeout(Math.max(0, start + round * everySeconds * 1000 - performance.now()));
    floors.push((await floor.round()).cpu);
    // In turn, because the first one finds the coldest caches.
    for (const each of round % 2 === 0 ? measured : measured.toReversed()) {
      const before = each.exporter.cpu();
      const begun = performance.now();
      await each.exporter.get('/metrics', { 'accept-encoding': 'gzip' });
      each.walls.push(performance.now() - begun);
      await setTimeout(Math.min(AFTERMATH_MS, (everySeconds * 1000) / measured.length / 2));
      each.scrapes.push(each.exporter.cpu() - before);
      each.rss = Math.max(each.rss, each.exporter.rss());
    }
  }
  const elapsed = performance.now() - start;
  const result: Record<string, number> = { 'floor cpu p50': percentile(floors, 0.5) };
  for (const { name, exporter, scrapes, walls, from, rss } of measured) {
    const all = exporter.cpu() - from;
    const idle = all - scrapes.reduce((sum, cpu) => sum + cpu, 0);
    result[`${name}: % of a core`] = (100 * all) / elapsed;
    result[`${name}: % of a core between scrapes`] = (100 * idle) / elapsed;
    result[`${name}: scrape cpu p50`] = percentile(scrapes, 0.5);
    result[`${name}: scrape wall p50`] = percentile(walls, 0.5);
    result[`${name}: rss MB`] = rss;
    result[`${name}: samples`] = (await exporter.scrape()).split('\n').filter((line) => /^[a-z]/.test(line)).length;
  }
  return result;
}
