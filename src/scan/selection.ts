import type { ContainerReport } from '../report/container-report.ts';
import { nameOf } from '../report/wording.ts';

/** The shortest accepted prefix of an id. A shorter one could be a name. */
const SHORTEST_ID = 6;

/** Whether the name of a container is the beginning of its id, which is a long number. */
export function isShownById({ id, labels }: ContainerReport): boolean {
  return /^[0-9a-f]{32,}$/.test(id) && id.startsWith(labels.container);
}

/** Whether a container has that name, with or without its pod, or that id or a prefix of it. */
export function isCalled(name: string, { labels, id }: ContainerReport): boolean {
  if (name === labels.container || name === nameOf(labels) || name === id) return true;
  return name.length >= SHORTEST_ID && /^[0-9a-f]+$/.test(name) && /^[0-9a-f]{32,}$/.test(id) && id.startsWith(name);
}
