import type { ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Colour, values } from './colours.ts';
import { countOf, onHosts } from './queries.ts';
import { last, type Query } from './query.ts';

/**
 * The values of `isolation_container_isolation_level`. What engines give by default is neither praised nor blamed;
 * below it something was taken away.
 */
export const LEVELS: readonly { readonly name: string; readonly colour: Colour }[] = [
  { name: 'host-like', colour: 'red' },
  { name: 'weakened', colour: 'orange' },
  { name: 'standard', colour: 'blue' },
  { name: 'hardened', colour: 'green' },
  { name: 'user kernel', colour: 'green' },
  { name: 'microVM', colour: 'dark-green' },
];

/** Says levels by their names. */
export const LEVEL_NAMES: ValueMapping[] = values(
  Object.fromEntries(LEVELS.map(({ name, colour }, level) => [level, [name, colour] as const])),
);

const LEVEL = 'isolation_container_isolation_level';

/** How many containers there are of each level, and how many whose level nobody knows. */
export const CONTAINERS_BY_LEVEL: readonly Query[] = [
  ...LEVELS.map(({ name }, level) => last(countOf(onHosts(LEVEL), level), name)),
  // Where no level at all is known, all are unknown.
  last(`sum(${onHosts('isolation_containers')}) - (count(${onHosts(LEVEL)}) or vector(0))`, 'unknown'),
];
