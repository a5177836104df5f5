import type { Child } from './child.ts';
import type { Exporter } from './exporter.ts';
import { type Cost, ratio, summary } from './statistics.ts';

/** What rounds cost of reading the files, and of scrapes of this build and of another one, if there is one. */
export type CostsInTurn = Readonly<Record<'floor' | 'plain' | 'gzip' | 'otherPlain' | 'otherGzip', readonly Cost[]>>;

/**
 * Alternates rounds of the floor and scrapes, plain and gzip, so that all run under the same conditions. Work that a scrape
 * leaves for later, such as garbage collection, runs during the next round of the floor, and counts.
 */
export async function inTurn(
  floor: Child,
  { exporter, other }: { readonly exporter: Exporter; readonly other: Exporter | undefined },
  rounds: number,
): Promise<CostsInTurn> {
  const costs = {
    floor: new Array<Cost>(),
    plain: new Array<Cost>(),
    gzip: new Array<Cost>(),
    otherPlain: new Array<Cost>(),
    otherGzip: new Array<Cost>(),
  };
  const scrape = async (of: Exporter, encoding: string): Promise<Cost> => {
    const before = of.cpu();
    const start = performance.now();
    await of.get('/metrics', { 'accept-encoding': encoding });
    const wall = performance.now() - start;
    costs.floor.push(await floor.round());
    return { cpu: of.cpu() - before, wall };
  };
  for (let round = 0; round < rounds; round += 1) {
    costs.plain.push(await scrape(exporter, 'identity'));
    if (other !== undefined) costs.otherPlain.push(await scrape(other, 'identity'));
    costs.gzip.push(await scrape(exporter, 'gzip'));
    if (other !== undefined) costs.otherGzip.push(await scrape(other, 'gzip'));
  }
  return costs;
}

/** The costs, and their ratios, by name. */
export function summaryInTurn(costs: CostsInTurn): Record<string, number> {
  return {
    ...summary('floor', costs.floor),
    ...summary('plain', costs.plain),
    ...summary('gzip', costs.gzip),
    ...ratio('plain/floor cpu', costs.plain, costs.floor),
    ...ratio('gzip/floor cpu', costs.gzip, costs.floor),
    ...(costs.otherPlain.length > 0 && ratio('plain/other plain cpu', costs.plain, costs.otherPlain)),
    ...(costs.otherGzip.length > 0 && ratio('gzip/other gzip cpu', costs.gzip, costs.otherGzip)),
  };
}
