import type { FieldConfig, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Series } from './data.ts';
import { colour, configOf, seriesColour, show } from './fields.ts';
import { format } from './format.ts';
import { escape } from './html.ts';

/** What uPlot is told of a graph. */
export interface Graph {
  readonly times: readonly number[];
  readonly series: readonly GraphSeries[];
  readonly bars: boolean;
  readonly axis: Axis;
  readonly thresholds: readonly { readonly value: number; readonly colour: string }[];
}

interface GraphSeries {
  readonly values: readonly (number | null)[];
  readonly colour: string;
  readonly dash: readonly number[] | undefined;
  readonly fill: number;
  readonly width: number;
}

interface Axis {
  readonly label: string;
  readonly range: readonly [number, number];
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

/** What boards here set of `fieldConfig.custom`. */
interface Custom {
  readonly drawStyle?: string;
  readonly fillOpacity?: number;
  readonly lineWidth?: number;
  readonly lineStyle?: { readonly dash?: readonly number[] };
  readonly stacking?: { readonly mode: string };
  readonly axisLabel?: string;
  readonly axisSoftMax?: number;
}

/** A graph's legend, and what the browser draws beside it. */
export function drawGraph(panel: Panel, series: readonly Series[], now: number): { html: string; graph: Graph } {
  const { defaults } = panel.fieldConfig!;
  const custom = defaults.custom as Custom;
  const { placement, calcs } = (panel.options as { legend: { placement: string; calcs: readonly string[] } }).legend;
  // All queries of a graph have the same step.
  const times = series[0]!.times;
  const sums = times.map(() => 0);
  const drawn = series.map((each) => {
    const config = configOf(panel, each.name, each.refId);
    return { each: lineOf(each, config, sums), legend: legendOf(each, config, calcs, now) };
  });
  const values = drawn.flatMap(({ each }) => each.values).filter((value) => value !== null);
  const scale = scaleOf(values, custom.axisSoftMax ?? 0, defaults.unit ?? 'none', now);
  return {
    html: `<div class="graph ${placement}"><div class="plot"></div><div class="legend">${drawn.map(({ legend }) => legend).join('')}</div></div>`,
    graph: {
      times,
      // What is stacked on top comes first, so that it does not cover what is below.
      series: drawn.map(({ each }) => each).toReversed(),
      bars: custom.drawStyle === 'bars',
      axis: { label: custom.axisLabel ?? '', ...scale },
      thresholds: (defaults.thresholds?.steps ?? []).flatMap(({ value, color }) =>
        value === null ? [] : [{ value, colour: colour(color) }],
      ),
    },
  };
}

/** @param sums what is stacked so far at each time; grows. */
function lineOf(series: Series, config: FieldConfig, sums: number[]): GraphSeries {
  const custom = config.custom as Custom;
  const values = series.values.map((value, index) => {
    if (value === undefined) return null;
    if (custom.stacking?.mode !== 'normal') return value;
    sums[index]! += value;
    return sums[index]!;
  });
  return {
    values,
    colour: seriesColour(series.name, config),
    dash: custom.lineStyle?.dash,
    fill: (custom.fillOpacity ?? 0) / 100,
    width: custom.lineWidth ?? 1,
  };
}

function legendOf(series: Series, config: FieldConfig, calcs: readonly string[], now: number): string {
  const known = series.values.filter((value) => value !== undefined);
  const numbers = calcs.map((calc) => {
    const value = known.length === 0 ? undefined : calc === 'max' ? Math.max(...known) : known.at(-1);
    return `<em>${escape(show(value, config, now).text)}</em>`;
  });
  return `<div><i style="background:${seriesColour(series.name, config)}"></i><span>${escape(series.name)}</span>${numbers.join('')}</div>`;
}

/** From 0 to above the highest value, with four or five round numbers. */
function scaleOf(values: readonly number[], soft: number, unit: string, now: number): Omit<Axis, 'label'> {
  const [low, high] = [Math.min(0, ...values), Math.max(soft, ...values) || 1];
  const base = unit === 'bytes' || unit === 'binBps' ? 2 : 10;
  const rough = (high - low) / 4;
  const power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const step = (base === 2 ? [1, 2] : [1, 2, 5, 10]).map((factor) => factor * power).find((each) => each >= rough)!;
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return {
    range: [first * step, last * step],
    ticks: ticks.map((value) => ({ value, text: format(Number(value.toPrecision(6)), unit, undefined, now) })),
  };
}
