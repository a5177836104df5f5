import { ROW_TO_CONTAINER } from './links.ts';
import type { Column } from './table.ts';

/** Which container a row is of; a click leads to its board. Rows without a pod leave those columns out. */
export const CONTAINER_COLUMNS: readonly Column[] = [
  { field: 'container', header: 'Container', links: [ROW_TO_CONTAINER] },
  { field: 'pod', header: 'Pod' },
  { field: 'namespace', header: 'Namespace' },
  { field: 'engine', header: 'Engine', width: 90 },
  { field: 'instance', header: 'Host' },
];

/** The legend of series of containers: a container's name alone is not unique. */
export const CONTAINER_LEGEND = '{{container}} {{pod}} · {{instance}}';
