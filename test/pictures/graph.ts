import type { FieldConfig, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type uPlot from 'uplot';
import { type Markup, markup } from '../../src/page/markup.ts';
import { lastOf, type Series } from './data.ts';
import { colour, configOf, seriesColour, show } from './fields.ts';
import { format } from './format.ts';

/** The data of a graph for the browser. */
export interface Graph {
  readonly data: uPlot.AlignedData;
  readonly series: readonly uPlot.Series[];
  readonly bars: boolean;
  /** The range of the value axis. */
  readonly label: string | undefined;
  readonly range: [number, number];
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
  readonly thresholds: readonly { readonly value: number; readonly colour: string }[];
}

/** The settings of `fieldConfig.custom` that the dashboards use. */
interface Custom {
  readonly drawStyle?: string;
  readonly fillOpacity?: number;
  readonly lineWidth?: number;
  readonly lineStyle?: { readonly dash?: number[] };
  readonly stacking?: { readonly mode: string };
  readonly axisLabel?: string;
  readonly axisSoftMax?: number;
}

/** A graph's legend, and the data for the browser. */
export function drawGraph(panel: Panel, found: readonly Series[], now: number): { html: Markup; graph: Graph } {
  const { defaults } = panel.fieldConfig!;
  const { drawStyle, stacking, axisLabel, axisSoftMax = 0 } = defaults.custom as Custom;
  const { placement, calcs } = (panel.options as { legend: { placement: string; calcs: readonly string[] } }).legend;
  const configs = found.map(({ name, refId }) => configOf(panel, name, refId));
  const values = stacking?.mode === 'normal' ? stack(found) : found.map((each) => each.values);
  const legend = found.map((each, index) => legendOf(each, configs[index]!, calcs, now));
  return {
    html: markup`<div class="graph ${placement}"><div class="plot"></div><div class="legend">${legend}</div></div>`,
    graph: {
      // All queries of a graph have the same step. The top of a stack comes first, so that it does not cover the rest.
      data: [found[0]!.times, ...values.toReversed()] as uPlot.AlignedData,
      series: found.map(({ name }, index) => lineOf(name, configs[index]!)).toReversed(),
      bars: drawStyle === 'bars',
      label: axisLabel,
      ...scaleOf(values.flat(), axisSoftMax, defaults.unit ?? 'none', now),
      thresholds: (defaults.thresholds?.steps ?? []).flatMap(({ value, color }) =>
        value === null ? [] : [{ value, colour: colour(color) }],
      ),
    },
  };
}

function stack(found: readonly Series[]): readonly Series['values'][] {
  const sums: number[] = [];
  return found.map(({ values }) =>
    values.map((value, index) => (value === null ? null : (sums[index] = (sums[index] ?? 0) + value))),
  );
}

function lineOf(name: string, config: FieldConfig): uPlot.Series {
  const { lineStyle, fillOpacity = 0, lineWidth = 1 } = config.custom as Custom;
  const stroke = seriesColour(name, config);
  const fill = `color-mix(in srgb, ${stroke} ${fillOpacity}%, transparent)`;
  const dash = lineStyle?.dash === undefined ? {} : { dash: lineStyle.dash };
  return { stroke, fill, width: lineWidth, points: { show: false }, ...dash };
}

function legendOf(series: Series, config: FieldConfig, calcs: readonly string[], now: number): Markup {
  const known = series.values.filter((value) => value !== null);
  const numbers = calcs.map((calc) => {
    const value = calc === 'max' && known.length > 0 ? Math.max(...known) : lastOf(series);
    return markup`<em>${show(value, config, now).text}</em>`;
  });
  return markup`<div><i style="background:${seriesColour(series.name, config)}"></i><span>${series.name}</span>${numbers}</div>`;
}

/** From 0 to above the highest value, with four or five round numbers. */
function scaleOf(values: Series['values'], soft: number, unit: string, now: number): Pick<Graph, 'range' | 'ticks'> {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...known), Math.max(soft, ...known) || 1];
  const base = unit === 'bytes' || unit === 'binBps' ? 2 : 10;
  const rough = (high - low) / 4;
  const power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const step = (base === 2 ? [1, 2] : [1, 2, 5, 10]).map((factor) => factor * power).find((each) => each >= rough)!;
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => {
    const value = (first + index) * step;
    return { value, text: format(Number(value.toPrecision(6)), unit, undefined, now) };
  });
  return { range: [first * step, last * step], ticks };
}
