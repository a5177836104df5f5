import type { FieldConfig, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Choice } from '../dashboards/interpolate.ts';
import { type Ask, lastOf, rowsOf, type Series, seriesOf } from './data.ts';
import { configOf, show } from './fields.ts';
import { drawGraph, type Graph } from './graph.ts';
import { escape } from './html.ts';

/** The inside of a panel. A graph is a place for {@link Graph}, which the browser draws. */
export interface Drawn {
  readonly html: string;
  readonly graph?: Graph;
}

const NO_DATA: Drawn = { html: '<p class="none">No data</p>' };

/** Draws a panel with what Prometheus says for it. */
export async function draw(panel: Panel, choice: Choice, ask: Ask): Promise<Drawn> {
  if (panel.type === 'table') return drawTable(panel, choice, ask);
  const series = await seriesOf(panel, choice, ask);
  switch (panel.type) {
    case 'timeseries':
      return series.length === 0 ? NO_DATA : drawGraph(panel, series, choice.to);
    case 'state-timeline':
      return series.length === 0 ? NO_DATA : { html: series.map((each) => band(panel, each, choice.to)).join('') };
    case 'bargauge':
      return series.length === 0 ? nothing(panel) : drawBars(panel, series, choice.to);
    case 'stat':
    case 'gauge':
      return drawValues(panel, series, choice.to);
    default:
      throw new Error(`no kind of panel that boards here use: ${panel.type}`);
  }
}

function nothing(panel: Panel): Drawn {
  return { html: `<p class="none">${escape(panel.fieldConfig?.defaults.noValue ?? 'No data')}</p>` };
}

function drawValues(panel: Panel, series: readonly Series[], now: number): Drawn {
  const shown =
    series.length === 0
      ? [{ name: '', value: undefined, refId: undefined }]
      : series.map((each) => ({ ...each, value: lastOf(each) }));
  const html = shown.map(({ name, value, refId }) => {
    const { text, colour } = show(value, configOf(panel, name, refId), now);
    const title = shown.length > 1 ? escape(name) : '';
    return `<div>${title}<big style="color:${colour}">${escape(text)}</big></div>`;
  });
  return { html: `<div class="values">${html.join('')}</div>` };
}

function drawBars(panel: Panel, series: readonly Series[], now: number): Drawn {
  const { min = 0, max } = panel.fieldConfig?.defaults ?? {};
  const top = max ?? Math.max(...series.map((each) => lastOf(each) ?? 0), 1);
  const html = series.map((each) => {
    const value = lastOf(each);
    const { text, colour } = show(value, configOf(panel, each.name, each.refId), now);
    const width = Math.min(100, (100 * ((value ?? 0) - min)) / (top - min));
    return `<div class="bar"><span>${escape(each.name)}</span><i><i style="--colour:${colour};width:${width}%;height:100%"></i></i><b style="color:${colour}">${escape(text)}</b></div>`;
  });
  return { html: html.join('') };
}

async function drawTable(panel: Panel, choice: Choice, ask: Ask): Promise<Drawn> {
  const { headers, rows } = await rowsOf(panel, choice, ask);
  if (rows.length === 0) return nothing(panel);
  const configs = headers.map((header) => configOf(panel, header, undefined));
  const numeric = headers.map((header) => rows.every((row) => typeof (row.get(header) ?? 0) === 'number'));
  const head = headers.map(
    (header, index) =>
      `<th class="${numeric[index] ? 'number' : ''}" style="${widthOf(configs[index]!)}">${escape(header)}</th>`,
  );
  const body = rows.map((row) => {
    const cells = headers.map((header, index) => {
      const config = configs[index]!;
      const value = row.get(header);
      const { text, colour } = value === undefined ? { text: '', colour: '' } : show(value, config, choice.to);
      const classes = `${numeric[index] ? 'number' : ''} ${config.links === undefined ? '' : 'link'}`;
      return `<td class="${classes}" style="color:${colour}">${escape(text)}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return { html: `<table><tr>${head.join('')}</tr>${body.join('')}</table>` };
}

function widthOf(config: FieldConfig): string {
  const { width } = config.custom as { readonly width?: number };
  return width === undefined ? '' : `width:${width}px`;
}

/** A band with one piece for each stretch of one state. */
function band(panel: Panel, series: Series, now: number): string {
  const config = configOf(panel, series.name, series.refId);
  const { values } = series;
  const pieces: string[] = [];
  for (let start = 0; start < values.length;) {
    let end = start + 1;
    while (end < values.length && values[end] === values[start]) end += 1;
    if (values[start] !== undefined) {
      const { text, colour } = show(values[start], config, now);
      const [left, width] = [start, end - start].map((count) => (100 * count) / values.length);
      pieces.push(`<i style="left:${left}%;width:${width}%;background:${colour}">${escape(text)}</i>`);
    }
    start = end;
  }
  return `<div class="band"><span>${escape(series.name)}</span><div>${pieces.join('')}</div></div>`;
}
