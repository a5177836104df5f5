import type { Container } from '../container.ts';
import type { Controller } from '../kernel/cgroup-files.ts';
import { bindingLimitOf } from './effective-limits.ts';
import { hasLimit } from './cgroup-limits.ts';
import { oncePerScrape, type Scrape } from './collector.ts';
import { type LimitLevel, type LimitLevels, limitLevelsOf } from './limit-levels.ts';

type LimitingController = Extract<Controller, 'memory' | 'cpu' | 'pids'>;

/** Cached by the array of levels, which the containers of a parent share. */
const limitingAbove = oncePerScrape(() => ({
  memory: new Map<readonly LimitLevel[], readonly LimitLevel[]>(),
  cpu: new Map<readonly LimitLevel[], readonly LimitLevel[]>(),
  pids: new Map<readonly LimitLevel[], readonly LimitLevel[]>(),
}));

const NONE: readonly LimitLevel[] = [];

/**
 * The cgroups other than the container's own whose limits apply to it: first those inside, then those above, the
 * nearest first.
 */
export function limitingLevelsOf(
  container: Container,
  controller: LimitingController,
  scrape: Scrape,
): readonly LimitLevel[] {
  const levels = limitLevelsOf(container, controller, scrape);
  return levels === undefined ? NONE : limitingAmong(levels, controller, scrape);
}

/** The same as {@link limitingLevelsOf}, for levels that are known. */
export function limitingAmong(
  { inside, above }: LimitLevels,
  controller: LimitingController,
  scrape: Scrape,
): readonly LimitLevel[] {
  const known = limitingAbove(scrape)[controller];
  let found = known.get(above);
  if (found === undefined) {
    found = above.filter((level) => isLimiting(level, controller, scrape));
    known.set(above, found);
  }
  if (inside.length === 0) return found;
  return [...inside.filter(({ files }) => hasOwnLimit(files, controller, scrape)), ...found];
}

function isLimiting(level: LimitLevel, controller: LimitingController, scrape: Scrape): boolean {
  if ((bindingLimitOf(level, controller, scrape) ?? Infinity) < Infinity) return true;
  return controller === 'memory' && hasLimit(level.files, 'high', scrape);
}

function hasOwnLimit(files: LimitLevel['files'], controller: LimitingController, scrape: Scrape): boolean {
  return hasLimit(files, controller, scrape) || (controller === 'memory' && hasLimit(files, 'high', scrape));
}
