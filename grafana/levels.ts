import type { ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Colour, values } from './colours.ts';
import { countOf, onHosts } from './queries.ts';
import { last, type Query } from './query.ts';

/**
 * The values of `isolation_container_isolation_level`. The default of engines is neutral; levels below it are weaker.
 */
export const LEVELS: readonly { readonly name: string; readonly colour: Colour }[] = [
  { name: 'host-like', colour: 'red' },
  { name: 'weakened', colour: 'orange' },
  { name: 'standard', colour: 'blue' },
  { name: 'hardened', colour: 'green' },
  { name: 'user kernel', colour: 'green' },
  { name: 'microVM', colour: 'dark-green' },
];

/** Shows levels by name. */
export const LEVEL_NAMES: ValueMapping[] = values(
  Object.fromEntries(LEVELS.map(({ name, colour }, level) => [level, [name, colour] as const])),
);

const LEVEL = 'isolation_container_isolation_level';

/** How many containers have each level, and how many an unknown one. */
export const CONTAINERS_BY_LEVEL: readonly Query[] = [
  ...LEVELS.map(({ name }, level) => last(countOf(onHosts(LEVEL), level), name)),
  // Without any level, all containers count as unknown.
  last(`sum(${onHosts('isolation_containers')}) - (count(${onHosts(LEVEL)}) or vector(0))`, 'unknown'),
];
