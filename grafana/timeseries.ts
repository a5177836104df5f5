import {
  GraphDrawStyle,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import type { DashboardLink, ThresholdsConfig } from '@grafana/grafana-foundation-sdk/dashboard';
import { BY_NAME } from './colours.ts';
import type { Override } from './overrides.ts';
import { type Explained, type Panel, panel } from './panel.ts';
import type { Query } from './query.ts';

export interface TimeSeries extends Explained {
  readonly queries: readonly Query[];
  readonly unit: string;
  /** `bars` are for events. */
  readonly draw?: 'lines' | 'bars';
  readonly stacked?: 'stacked';
  /** `right` is for many series, `bottom` for few. */
  readonly legend?: 'bottom' | 'right';
  readonly axis?: string;
  /** The end of the axis if no value is above it. */
  readonly softMax?: number;
  /** 0 unless values can be negative. */
  readonly min?: 'any';
  /** Drawn as dashed lines. */
  readonly thresholds?: ThresholdsConfig;
  readonly overrides?: readonly Override[];
  readonly links?: readonly DashboardLink[];
}

/** A graph over time. */
export function timeseries(options: TimeSeries): Panel {
  const { unit, draw = 'lines', legend = 'bottom', axis, softMax, min, overrides = [], links } = options;
  const bars = draw === 'bars';
  const stacking = options.stacked === undefined ? StackingMode.None : StackingMode.Normal;
  return {
    ...panel('timeseries', options, options.queries),
    options: {
      legend: {
        showLegend: true,
        displayMode: LegendDisplayMode.Table,
        placement: legend === 'right' ? LegendPlacement.Right : LegendPlacement.Bottom,
        // There is room for one number beside the graph.
        calcs: legend === 'right' ? ['lastNotNull'] : ['lastNotNull', 'max'],
      },
      tooltip: { mode: TooltipDisplayMode.Multi, sort: SortOrder.Descending },
    },
    fieldConfig: {
      defaults: {
        unit,
        color: BY_NAME,
        ...(min === 'any' ? {} : { min: 0 }),
        ...(options.thresholds === undefined ? {} : { thresholds: options.thresholds }),
        ...(links === undefined ? {} : { links: [...links] }),
        // Events are whole numbers.
        ...(bars && unit === 'short' ? { decimals: 0 } : {}),
        custom: {
          drawStyle: bars ? GraphDrawStyle.Bars : GraphDrawStyle.Line,
          lineWidth: 1,
          fillOpacity: bars ? 80 : stacking === StackingMode.Normal ? 30 : 8,
          showPoints: VisibilityMode.Never,
          stacking: { mode: stacking, group: 'A' },
          ...(axis === undefined ? {} : { axisLabel: axis }),
          ...(softMax === undefined ? {} : { axisSoftMax: softMax }),
          thresholdsStyle: {
            mode: options.thresholds === undefined ? GraphThresholdsStyleMode.Off : GraphThresholdsStyleMode.Dashed,
          },
        },
      },
      overrides: [...overrides],
    },
  };
}
