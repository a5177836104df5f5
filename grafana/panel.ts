import type { Panel as SdkPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { ReduceDataOptions } from '@grafana/grafana-foundation-sdk/common';
import { DATASOURCE, type Query, targets } from './query.ts';

/** A panel that has no place in a board yet, and so no number. */
export type Panel = Omit<SdkPanel, 'id' | 'gridPos'>;

/** What everybody who looks at a panel may ask. */
export interface Explained {
  readonly title: string;
  /** What the number is. */
  readonly what: string;
  /** The kernel file or other source that it comes from. */
  readonly from: string;
  /** What to do when it is red or orange. Left out where nothing is. */
  readonly red?: string;
}

/** The last value that there is; the SDK's default reduces to nothing. */
export const LAST_VALUE: ReduceDataOptions = { values: false, calcs: ['lastNotNull'], fields: '' };

/** What all kinds of panels have. */
export function panel(type: string, explained: Explained, queries: readonly Query[]): Panel {
  const { title, what, from, red } = explained;
  const parts = [what, `Source: ${from}`, ...(red === undefined ? [] : [`When red or orange: ${red}`])];
  return { type, title, description: parts.join('\n\n'), datasource: { ...DATASOURCE }, targets: targets(queries) };
}
