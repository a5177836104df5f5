import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';

/** The data source that a board's variable names. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** One query of a panel, before it has its letter. */
export interface Query {
  readonly expr: string;
  /** Names its series: `{{label}}` stands for a label's value. */
  readonly legend: string;
  /** `range`: over the time range. `last`: one value for each series. `table`: the same, labels being columns. */
  readonly kind: 'range' | 'last' | 'table';
  /** The shortest step, so that an event is not drawn in several points: `1m`. */
  readonly minStep?: string;
}

/** Over the time range. */
export function range(expr: string, legend: string): Query {
  return { expr, legend, kind: 'range' };
}

/** Over the time range, for events: they are too few to be looked for every few seconds. */
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

/** What Grafana has of it. The letters go by the order. */
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
