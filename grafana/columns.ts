import { ROW_TO_CONTAINER } from './links.ts';
import type { Column } from './table.ts';

/** The container of a row; a click leads to its dashboard. Columns for pods are hidden without pods. */
export const CONTAINER_COLUMNS: readonly Column[] = [
  { field: 'container', header: 'Container', links: [ROW_TO_CONTAINER] },
  { field: 'pod', header: 'Pod' },
  { field: 'namespace', header: 'Namespace' },
  { field: 'engine', header: 'Engine', width: 90 },
  { field: 'instance', header: 'Host' },
];

/** The legend for series of containers: the name alone is not unique. */
export const CONTAINER_LEGEND = '{{container}} {{pod}} · {{instance}}';
