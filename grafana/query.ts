import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';

/** The data source from the dashboard's variable. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** One query of a panel, without its letter. */
export interface Query {
  readonly expr: string;
  /** The legend; `{{label}}` stands for the value of a label. */
  readonly legend: string;
  /** `range`: over the time range. `last`: one value for each series. `table`: the same, labels being columns. */
  readonly kind: 'range' | 'last' | 'table';
  /** The minimum step, such as `1m`, so that an event is drawn as one point. */
  readonly minStep?: string;
}

/** Over the time range. */
export function range(expr: string, legend: string): Query {
  return { expr, legend, kind: 'range' };
}

/** Over the time range, for events, which need no fine steps. */
export function events(expr: string, legend: string): Query {
  return { expr, legend, kind: 'range', minStep: '1m' };
}

/** At the end of the time range. */
export function last(expr: string, legend: string): Query {
  return { expr, legend, kind: 'last' };
}

/** At the end of the time range, as rows. */
export function rows(expr: string): Query {
  return { expr, legend: '', kind: 'table' };
}

/** The queries in Grafana's format, with letters in order. */
export function targets(queries: readonly Query[]): prometheus.Dataquery[] {
  return queries.map(({ expr, legend, kind, minStep }, index) => ({
    ...prometheus.defaultDataquery(),
    refId: String.fromCodePoint('A'.codePointAt(0)! + index),
    datasource: { ...DATASOURCE },
    editorMode: prometheus.QueryEditorMode.Code,
    expr,
    range: kind === 'range',
    instant: kind !== 'range',
    ...(kind === 'table' ? { format: prometheus.PromQueryFormat.Table } : { legendFormat: legend }),
    ...(minStep === undefined ? {} : { interval: minStep }),
  }));
}
