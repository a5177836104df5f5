import {
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import type { DashboardLink, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { defaultFieldConfig, defaultOptions } from '@grafana/grafana-foundation-sdk/statetimeline';
import { BY_THRESHOLDS, thresholds } from './colours.ts';
import type { Override } from './overrides.ts';
import { type Explained, type Panel, panel } from './panel.ts';
import type { Query } from './query.ts';

export interface StateTimeline extends Explained {
  readonly queries: readonly Query[];
  readonly unit: string;
  /** The text and colour of each value. */
  readonly mappings: readonly ValueMapping[];
  readonly overrides?: readonly Override[];
  readonly links?: readonly DashboardLink[];
}

/** A band for each series, coloured by its state. */
export function stateTimeline(options: StateTimeline): Panel {
  const { unit, mappings, overrides = [], links } = options;
  return {
    ...panel('state-timeline', options, options.queries),
    options: {
      ...defaultOptions(),
      showValue: VisibilityMode.Auto,
      // The bands have names and contain the text of their state.
      legend: { showLegend: false, displayMode: LegendDisplayMode.List, placement: LegendPlacement.Bottom, calcs: [] },
      tooltip: { mode: TooltipDisplayMode.Single, sort: SortOrder.None },
    },
    fieldConfig: {
      defaults: {
        unit,
        color: BY_THRESHOLDS,
        thresholds: thresholds('text'),
        mappings: [...mappings],
        ...(links === undefined ? {} : { links: [...links] }),
        custom: { ...defaultFieldConfig(), fillOpacity: 70 },
      },
      overrides: [...overrides],
    },
  };
}
