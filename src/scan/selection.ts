import type { ContainerReport } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';

/** How many digits of an id are enough, as for engines' own commands: fewer could be a name. */
const SHORTEST_ID = 6;

/** Whether a container is called that: by its name, below its pod or not, or by its id or the first digits of it. */
export function isCalled(name: string, { labels, id }: ContainerReport): boolean {
  if (name === labels.container || name === nameOf(labels) || name === id) return true;
  return name.length >= SHORTEST_ID && /^[0-9a-f]+$/.test(name) && /^[0-9a-f]{32,}$/.test(id) && id.startsWith(name);
}
