import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { defaultOptions as bargaugeDefaults } from '@grafana/grafana-foundation-sdk/bargauge';
import type { DashboardLink, ThresholdsConfig, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { defaultOptions as gaugeDefaults } from '@grafana/grafana-foundation-sdk/gauge';
import { defaultOptions as statDefaults } from '@grafana/grafana-foundation-sdk/stat';
import { BY_THRESHOLDS, thresholds } from './colours.ts';
import type { Override } from './overrides.ts';
import { type Explained, LAST_VALUE, type Panel, panel } from './panel.ts';
import type { Query } from './query.ts';

interface SingleValue extends Explained {
  readonly queries: readonly Query[];
  readonly unit: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  /** Blue by default. */
  readonly thresholds?: ThresholdsConfig;
  readonly mappings?: readonly ValueMapping[];
  readonly overrides?: readonly Override[];
  readonly links?: readonly DashboardLink[];
  /** The text without a value; by default Grafana's "No data". */
  readonly noValue?: string;
}

export interface Stat extends SingleValue {
  /** A small graph behind the value, which requires a range query. */
  readonly graph?: 'sparkline';
}

/** One number, or several with their names. */
export function stat(options: Stat): Panel {
  return {
    ...panel('stat', options, options.queries),
    options: {
      ...statDefaults(),
      graphMode: options.graph === undefined ? BigValueGraphMode.None : BigValueGraphMode.Area,
      colorMode: BigValueColorMode.Value,
      textMode: options.queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value,
      reduceOptions: LAST_VALUE,
    },
    fieldConfig: fieldConfig(options),
  };
}

/** A gauge. */
export function gauge(options: SingleValue): Panel {
  return {
    ...panel('gauge', options, options.queries),
    options: { ...gaugeDefaults(), reduceOptions: LAST_VALUE },
    fieldConfig: fieldConfig(options),
  };
}

/** A bar for each series. */
export function bargauge(options: SingleValue): Panel {
  return {
    ...panel('bargauge', options, options.queries),
    options: {
      ...bargaugeDefaults(),
      orientation: VizOrientation.Horizontal,
      displayMode: BarGaugeDisplayMode.Basic,
      reduceOptions: LAST_VALUE,
    },
    fieldConfig: fieldConfig(options),
  };
}

function fieldConfig(options: SingleValue): NonNullable<Panel['fieldConfig']> {
  const { unit, decimals, min, max, mappings = [], overrides = [], links, noValue } = options;
  return {
    defaults: {
      unit,
      color: BY_THRESHOLDS,
      thresholds: options.thresholds ?? thresholds('blue'),
      mappings: [...mappings],
      ...(decimals === undefined ? {} : { decimals }),
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(links === undefined ? {} : { links: [...links] }),
      ...(noValue === undefined ? {} : { noValue }),
    },
    overrides: [...overrides],
  };
}
