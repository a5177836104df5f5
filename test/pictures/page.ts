import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { BoardFile } from '../dashboards/board-files.ts';
import type { Choice } from '../dashboards/interpolate.ts';
import { drawAll, type PageData } from './browser.ts';
import { type Ask, marksOf } from './data.ts';
import { colour } from './fields.ts';
import type { Graph } from './graph.ts';
import { escape, STYLE } from './html.ts';
import { draw } from './panels.ts';

const WIDTH = 1600;
const HEADER = 48;

/** A page that shows a board, and how large it is. */
export interface Page {
  readonly html: string;
  readonly width: number;
  readonly height: number;
}

/** Makes the page of a board with what Prometheus says. */
export async function pageOf(board: BoardFile, choice: Choice, ask: Ask): Promise<Page> {
  const { dashboard } = board;
  const graphs: Record<string, Graph> = {};
  const sections: string[] = [];
  for (const panel of dashboard.panels ?? []) {
    if ('collapsed' in panel) {
      sections.push(
        `<section class="row" style="${placeOf(panel)}">${panel.collapsed ? '▸' : '▾'} ${escape(panel.title ?? '')}</section>`,
      );
      continue;
    }
    const { html, graph } = await draw(panel, choice, ask);
    const id = `panel-${panel.id}`;
    if (graph !== undefined) graphs[id] = graph;
    sections.push(
      `<section id="${id}" style="${placeOf(panel)}"><h2>${escape(panel.title ?? '')}</h2><div>${html}</div></section>`,
    );
  }
  const marks = await Promise.all(
    (dashboard.annotations.list ?? []).map(async (annotation) =>
      (await marksOf(annotation, choice, ask)).map((time) => ({ time, colour: colour(annotation.iconColor) })),
    ),
  );
  const data: PageData = { graphs, from: choice.from, to: choice.to, marks: marks.flat() };
  const variables = (dashboard.templating.list ?? []).map(
    ({ name, label }) =>
      `<span>${escape(label ?? name)}: ${escape(name === 'datasource' ? 'Prometheus' : (choice.values[name] ?? 'All'))}</span>`,
  );
  const rows = Math.max(...(dashboard.panels ?? []).map(({ gridPos }) => gridPos!.y + gridPos!.h));
  return {
    html: `<!doctype html><meta charset="utf-8"><title>${escape(dashboard.title ?? '')}</title>
<style>${uplot('uPlot.min.css')}${STYLE}</style>
<header><b>${escape(dashboard.title ?? '')}</b>${variables.join('')}</header><main>${sections.join('\n')}</main>
<script>${uplot('uPlot.iife.min.js')}</script>
<script>const __name = (value) => value; (${drawAll.toString()})(uPlot, ${JSON.stringify(data).replaceAll('<', '\\u003c')})</script>`,
    width: WIDTH,
    height: HEADER + rows * 38 + 8,
  };
}

/** Grafana's grid: 24 columns, and lines of 30 pixels with 8 between. */
function placeOf({ gridPos }: Pick<Panel, 'gridPos'>): string {
  const { x, y, w, h } = gridPos!;
  const column = (WIDTH - 16) / 24;
  return `left:${x * column + 4}px;top:${y * 38}px;width:${w * column - 10}px;height:${h * 38 - 10}px`;
}

function uplot(file: string): string {
  const directory = createRequire(import.meta.url)
    .resolve('uplot')
    .replace(/[^/]*$/, '');
  return readFileSync(`${directory}${file}`, 'utf8');
}
