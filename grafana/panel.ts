import type { Panel as SdkPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { ReduceDataOptions } from '@grafana/grafana-foundation-sdk/common';
import { DATASOURCE, type Query, targets } from './query.ts';

/** A panel without a position and an id. */
export type Panel = Omit<SdkPanel, 'id' | 'gridPos'>;

/** The description of a panel. */
export interface Explained {
  readonly title: string;
  /** What the number means. */
  readonly what: string;
  /** The kernel file or other source that it comes from. */
  readonly from: string;
  /** What to do when it is red or orange, if it can be. */
  readonly red?: string;
}

/** The last value. The SDK's default has no reducer. */
export const LAST_VALUE: ReduceDataOptions = { values: false, calcs: ['lastNotNull'], fields: '' };

/** The fields that all kinds of panels have. */
export function panel(type: string, explained: Explained, queries: readonly Query[]): Panel {
  const { title, what, from, red } = explained;
  const parts = [what, `Source: ${from}`, ...(red === undefined ? [] : [`When red or orange: ${red}`])];
  return { type, title, description: parts.join('\n\n'), datasource: { ...DATASOURCE }, targets: targets(queries) };
}
