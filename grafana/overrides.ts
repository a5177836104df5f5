import type { DynamicConfigValue, FieldConfigSource } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Colour, fixed } from './colours.ts';

/** Settings for one series or column. */
export type Override = FieldConfigSource['overrides'][number];

/** For the series or column of this name. */
export function named(name: string, ...properties: readonly DynamicConfigValue[]): Override {
  return { matcher: { id: 'byName', options: name }, properties: [...properties] };
}

/** Gives a series its own colour. */
export function coloured(name: string, colour: Colour): Override {
  return named(name, { id: 'color', value: fixed(colour) });
}

/** Draws a series as a limit: a thin dashed line without fill. */
export function asLimit(name: string, colour: Colour): Override {
  return named(
    name,
    { id: 'color', value: fixed(colour) },
    { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 6] } },
    { id: 'custom.lineWidth', value: 1 },
    { id: 'custom.fillOpacity', value: 0 },
    { id: 'custom.stacking', value: { mode: 'none', group: 'A' } },
  );
}
