import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Markup, markup, verbatim } from '../../src/page/markup.ts';
import type { BoardFile } from '../dashboards/board-files.ts';
import type { Choice } from '../dashboards/interpolate.ts';
import { drawAll, type PageData } from './browser.ts';
import { type Ask, marksOf } from './data.ts';
import { colour } from './fields.ts';
import type { Graph } from './graph.ts';
import { draw } from './panels.ts';
import { STYLE } from './style.ts';

/** The width of the page. */
export const WIDTH = 1600;

const UPLOT = createRequire(import.meta.url).resolve('uplot/dist/uPlot.iife.min.js');
const UPLOT_STYLE = UPLOT.replace('.iife.min.js', '.min.css');

/** Renders a dashboard with data from Prometheus. */
export async function pageOf(board: BoardFile, choice: Choice, ask: Ask): Promise<string> {
  const { title = '', panels = [], annotations, templating } = board.dashboard;
  const graphs: Record<string, Graph> = {};
  const sections: Markup[] = [];
  for (const panel of panels) {
    if ('collapsed' in panel) {
      const sign = panel.collapsed ? '▸' : '▾';
      sections.push(markup`<section class="row" style="${placeOf(panel)}">${sign} ${panel.title}</section>`);
      continue;
    }
    const { html, graph } = await draw(panel, choice, ask);
    const id = `panel-${panel.id}`;
    if (graph !== undefined) graphs[id] = graph;
    sections.push(
      markup`<section id="${id}" style="${placeOf(panel)}"><h2>${panel.title}</h2><div>${html}</div></section>`,
    );
  }
  const marks = (annotations.list ?? []).map(async (annotation) =>
    (await marksOf(annotation, choice, ask)).map((time) => ({ time, colour: colour(annotation.iconColor) })),
  );
  const data: PageData = { graphs, from: choice.from, to: choice.to, marks: (await Promise.all(marks)).flat() };
  const variables = (templating.list ?? []).map(({ name, label = name }) => {
    const value = name === 'datasource' ? 'Prometheus' : [choice.values[name] ?? 'All'].flat().join(' + ');
    return markup`<span>${label}: ${value}</span>`;
  });
  // tsx names functions through a helper that the page lacks.
  const script = `const __name = (value) => value; (${drawAll.toString()})(uPlot, ${JSON.stringify(data).replaceAll('<', '\\u003c')})`;
  const height = Math.max(...panels.map(({ gridPos }) => gridPos!.y + gridPos!.h)) * 38 + 8;
  return markup`<!doctype html><meta charset="utf-8"><title>${title}</title>
    <style>${verbatim(readFileSync(UPLOT_STYLE, 'utf8') + STYLE)}</style>
    <header><b>${title}</b>${variables}</header><main style="height:${height}px">${sections}</main>
    <script>${verbatim(readFileSync(UPLOT, 'utf8'))}</script><script>${verbatim(script)}</script>`.html;
}

/** Grafana's grid: 24 columns, and lines of 30 pixels with 8 between. */
function placeOf({ gridPos }: Pick<Panel, 'gridPos'>): string {
  const { x, y, w, h } = gridPos!;
  const column = (WIDTH - 16) / 24;
  return `left:${x * column + 4}px;top:${y * 38}px;width:${w * column - 10}px;height:${h * 38 - 10}px`;
}
