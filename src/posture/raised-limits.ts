import type { ProcessFiles } from '../kernel/process-files.ts';
import { parseProcLimits } from '../kernel/proc-limits.ts';

/** Podman sets these itself where its user sets none, above what it has itself: `RLimitDefaultValue` in its source. */
const PODMANS_OWN: ReadonlyMap<string, number> = new Map([
  ['Max open files', 1_048_576],
  ['Max processes', 1_048_576],
]);

/**
 * The names of the hard limits of a container's init that are higher than those of the process that started it, except for what its
 * engine sets by itself.
 *
 * @param parent `undefined` if there is none.
 * @returns `undefined` if one of the processes is gone or unknown.
 */
export function raisedLimits(
  files: Pick<ProcessFiles, 'text'>,
  parent: Pick<ProcessFiles, 'text'> | undefined,
  engine: string,
): readonly string[] | undefined {
  const [own, above] = [files.text('limits'), parent?.text('limits')];
  if (own === undefined || above === undefined) return undefined;
  // Usually the limits are the same.
  if (own === above) return [];
  const limitsAbove = parseProcLimits(above);
  const ofEngine = (name: string): number => (engine === 'podman' && PODMANS_OWN.get(name)) || 0;
  const isRaised = ([name, { hard }]: readonly [string, { readonly hard: number }]): boolean =>
    hard > Math.max(limitsAbove.get(name)?.hard ?? hard, ofEngine(name));
  return [...parseProcLimits(own)].filter(isRaised).map(([name]) => name);
}
