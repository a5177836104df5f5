import { collectors } from '../../src/collectors/index.ts';

const collectorOf = new Map(collectors.flatMap(({ name, families }) => families.map((family) => [family.name, name])));

/** The collectors that export what queries select, in the order of the exposition. What every scrape has needs none. */
export function neededCollectors(queries: readonly string[]): readonly string[] {
  const selected = queries.flatMap((query) => query.match(/\bisolation_\w+/g) ?? []);
  const needed = new Set(selected.map((metric) => collectorOf.get(metric)));
  return collectors.map(({ name }) => name).filter((name) => needed.has(name));
}
