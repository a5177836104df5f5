import type uPlot from 'uplot';
import type { Graph } from './graph.ts';

/** The data that the page passes to the browser. */
export interface PageData {
  /** Graphs by the id of the panel's element. */
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly from: number;
  readonly to: number;
  /** Annotations: vertical lines in every graph. */
  readonly marks: readonly { readonly time: number; readonly colour: string }[];
}

/**
 * The part of the browser's API that this file uses. It is declared here, because the types of the other files are
 * those of Node.
 */
declare const document: {
  querySelector(selector: string): { readonly clientWidth: number; readonly clientHeight: number };
};

/** Draws all graphs. It runs in the browser, so it must be self-contained. */
export function drawAll(Plot: typeof uPlot, { graphs, from, to, marks }: PageData): void {
  const axis = {
    stroke: '#a0a0ab',
    font: '11px sans-serif',
    grid: { stroke: '#24262b', width: 1 },
    ticks: { show: false },
  };
  for (const [id, { data, bars, series, range, ticks, label, thresholds }] of Object.entries(graphs)) {
    const place = document.querySelector(`#${id} .plot`);
    const lines = (plot: uPlot) => {
      const { ctx } = plot;
      const { left, top, width, height } = plot.bbox;
      const line = (colour: string, fromX: number, fromY: number, toX: number, toY: number) => {
        ctx.strokeStyle = colour;
        ctx.beginPath();
        ctx.moveTo(fromX, fromY);
        ctx.lineTo(toX, toY);
        ctx.stroke();
      };
      ctx.save();
      ctx.lineWidth = 1;
      ctx.setLineDash([5, 5]);
      for (const { value, colour } of thresholds) {
        const y = plot.valToPos(value, 'y', true);
        if (y >= top && y <= top + height) line(colour, left, y, left + width, y);
      }
      for (const { time, colour } of marks) {
        const x = plot.valToPos(time, 'x', true);
        line(colour, x, top, x, top + height);
      }
      ctx.restore();
    };
    const values = {
      ...axis,
      size: 62,
      splits: () => ticks.map(({ value }) => value),
      values: () => ticks.map(({ text }) => text),
      ...(label === undefined ? {} : { label, labelSize: 16, labelFont: axis.font }),
    };
    const options: uPlot.Options = {
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { range: () => [from, to] }, y: { range: () => [...range] } },
      axes: [{ ...axis, space: 70 }, values],
      series: [{}, ...series.map((each) => (bars ? { ...each, paths: Plot.paths.bars!({ size: [0.8, 40] }) } : each))],
      hooks: { draw: [lines] },
    };
    new Plot(options, data, place);
  }
}
