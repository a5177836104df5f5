import { FieldTextAlignment, TableCellDisplayMode, TableCellHeight } from '@grafana/grafana-foundation-sdk/common';
import type {
  DashboardLink,
  DataTransformerConfig,
  DynamicConfigValue,
  ThresholdsConfig,
  ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { thresholds } from './colours.ts';
import { named, type Override } from './overrides.ts';
import { type Explained, type Panel, panel } from './panel.ts';
import type { Query } from './query.ts';

/** A column: a label, or the value of a query. */
export interface Column {
  /** A label, `Value`, or `Value #B` with several queries. */
  readonly field: string;
  readonly header: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly width?: number;
  readonly thresholds?: ThresholdsConfig;
  readonly mappings?: readonly ValueMapping[];
  readonly links?: readonly DashboardLink[];
}

export interface Table extends Explained {
  readonly queries: readonly Query[];
  /** The columns in order. Other labels are hidden. */
  readonly columns: readonly Column[];
  /** Headers, most important first. */
  readonly sortBy?: readonly { readonly header: string; readonly order: 'ascending' | 'descending' }[];
  /** The text without rows. */
  readonly noValue?: string;
}

/** A table of labels and values. Rows of several queries with equal labels merge. */
export function table(options: Table): Panel {
  const { queries, columns, sortBy = [], noValue } = options;
  return {
    ...panel('table', options, queries),
    options: {
      frameIndex: 0,
      showHeader: true,
      showTypeIcons: false,
      cellHeight: TableCellHeight.Sm,
      footer: { show: false, reducer: [], countRows: false },
      sortBy: sortBy.map(({ header, order }) => ({ displayName: header, desc: order === 'descending' })),
    },
    fieldConfig: {
      defaults: {
        unit: 'none',
        thresholds: thresholds('text'),
        mappings: [],
        ...(noValue === undefined ? {} : { noValue }),
        custom: { align: FieldTextAlignment.Auto, inspect: false, filterable: columns.length > 2 },
      },
      overrides: columns.flatMap(overrideOf),
    },
    transformations: transformations(queries, columns),
  };
}

function transformations(queries: readonly Query[], columns: readonly Column[]): DataTransformerConfig[] {
  const fields = columns.map(({ field }) => field);
  return [
    ...(queries.length > 1 ? [{ id: 'merge', options: {} }] : []),
    { id: 'filterFieldsByName', options: { include: { names: fields } } },
    {
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(fields.map((field, index) => [field, index])),
        renameByName: Object.fromEntries(columns.map(({ field, header }) => [field, header])),
      },
    },
  ];
}

function overrideOf(column: Column): Override[] {
  const properties: DynamicConfigValue[] = [];
  const set = (id: string, value: unknown) => {
    if (value !== undefined) properties.push({ id, value });
  };
  set('unit', column.unit);
  set('decimals', column.decimals);
  set('custom.width', column.width);
  set('thresholds', column.thresholds);
  set('mappings', column.mappings);
  if (column.thresholds !== undefined || column.mappings !== undefined) {
    set('custom.cellOptions', { type: TableCellDisplayMode.ColorText });
  }
  set('links', column.links);
  return properties.length === 0 ? [] : [named(column.header, ...properties)];
}
