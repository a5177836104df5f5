import { readdirSync, readFileSync } from 'node:fs';
import { Encoder } from '../../src/exposition/encode.ts';
import { createOwnMetrics } from '../../src/exposition/own-metrics.ts';
import { readVersion } from '../../src/version.ts';

const GOLDEN = new URL('../golden/', import.meta.url);

/** The captured hosts. */
export const HOSTS: readonly string[] = readdirSync(GOLDEN);

const RARE = /^\w*(oom|starts|started|removed|events|hits|lost)_/;

/**
 * What the exporter exports about a captured host, and about itself, by the number of scrapes before. Counters grow with each
 * scrape, no two at the same rate; counters of rare events by one in ten scrapes.
 *
 * @param host the number of the host.
 */
export async function expositionOf(name: string, host: number): Promise<(scrapes: number) => string> {
  const folder = new URL(`${name}/`, GOLDEN);
  const encoder = new Encoder('text');
  const state = {
    probes: { stuck: 0 },
    eventLoop: { longestSeconds: 0, totalSeconds: 0 },
    acceptFile: { readAt: 0, counts: new Map([['active', 0]]) },
  };
  await createOwnMetrics({ ...readVersion(), revision: 'abc' }, state).encode(encoder);
  const files = readdirSync(folder).filter((file) => file.endsWith('.prom'));
  const text = [
    Buffer.concat(encoder.finish()).toString(),
    ...files.map((file) => readFileSync(new URL(file, folder), 'utf8')),
    'isolation_scrape_collector_duration_seconds{collector="cpu"} 0.01',
  ]
    .map((part) => `${part.trimEnd()}\n`)
    .join('');
  return (scrapes) =>
    text.replaceAll(/^(\w+_total(?:\{.*\})?) (\S+)$/gm, (_, series: string, value: string, at: number) => {
      const growth = RARE.test(series) ? Math.floor(scrapes / 10) : scrapes * (1 + host + at / text.length);
      return `${series} ${Number(value) + growth}`;
    });
}
