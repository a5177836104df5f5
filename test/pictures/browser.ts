import type uPlot from 'uplot';
import type { Graph } from './graph.ts';

/** What the page has for the browser. */
export interface PageData {
  /** By the id of the panel's element. */
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly from: number;
  readonly to: number;
  /** Times of annotations. */
  readonly marks: readonly { readonly time: number; readonly colour: string }[];
}

/** As much of the browser as is needed here: the rest of the program is not for one. */
declare const document: {
  querySelector(selector: string): { readonly clientWidth: number; readonly clientHeight: number };
};

/** Draws all graphs. It runs in the browser, so it has to be whole in itself. */
export function drawAll(Plot: typeof uPlot, data: PageData): void {
  const grid = { stroke: '#24262b', width: 1 };
  const text = { stroke: '#a0a0ab', font: '11px sans-serif', grid, ticks: { show: false } };
  for (const [id, graph] of Object.entries(data.graphs)) {
    const place = document.querySelector(`#${id} .plot`);
    const { range, ticks, label } = graph.axis;
    const lines = (plot: uPlot) => {
      const { ctx, bbox } = plot;
      const line = (fromX: number, fromY: number, toX: number, toY: number, colour: string) => {
        ctx.strokeStyle = colour;
        ctx.setLineDash([5, 5]);
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.moveTo(fromX, fromY);
        ctx.lineTo(toX, toY);
        ctx.stroke();
      };
      ctx.save();
      for (const { value, colour } of graph.thresholds) {
        const y = plot.valToPos(value, 'y', true);
        if (y >= bbox.top && y <= bbox.top + bbox.height) line(bbox.left, y, bbox.left + bbox.width, y, colour);
      }
      for (const { time, colour } of data.marks) {
        const x = plot.valToPos(time, 'x', true);
        line(x, bbox.top, x, bbox.top + bbox.height, colour);
      }
      ctx.restore();
    };
    const options: uPlot.Options = {
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: true, range: () => [data.from, data.to] },
        y: { range: () => [...range] as [number, number] },
      },
      axes: [
        { ...text, space: 70 },
        {
          ...text,
          size: 62,
          splits: () => ticks.map(({ value }) => value),
          values: () => ticks.map((tick) => tick.text),
          ...(label === '' ? {} : { label, labelSize: 16, labelFont: '11px sans-serif' }),
        },
      ],
      series: [
        {},
        ...graph.series.map(({ colour, dash, fill, width }): uPlot.Series => ({
          stroke: colour,
          width,
          fill: colour.startsWith('#')
            ? `${colour}${Math.round(fill * 255)
                .toString(16)
                .padStart(2, '0')}`
            : colour,
          points: { show: false },
          ...(dash === undefined ? {} : { dash: [...dash] }),
          ...(graph.bars ? { paths: Plot.paths.bars!({ size: [0.8, 40] }) } : {}),
        })),
      ],
      hooks: { draw: [lines] },
    };
    new Plot(options, [[...graph.times], ...graph.series.map(({ values }) => [...values])] as uPlot.AlignedData, place);
  }
}
