import type { FieldConfig, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Markup, markup } from '../../src/page/markup.ts';
import type { Choice } from '../dashboards/interpolate.ts';
import { type Ask, lastOf, rowsOf, type Series, seriesOf } from './data.ts';
import { configOf, show } from './fields.ts';
import { drawGraph, type Graph } from './graph.ts';

/** The content of a panel. For a graph it is an element in which the browser draws a {@link Graph}. */
export interface Drawn {
  readonly html: Markup | readonly Markup[];
  readonly graph?: Graph;
}

/** Draws a panel with data from Prometheus. */
export async function draw(panel: Panel, choice: Choice, ask: Ask): Promise<Drawn> {
  if (panel.type === 'table') return { html: await table(panel, choice, ask) };
  const found = await seriesOf(panel, choice, ask);
  if (panel.type === 'stat' || panel.type === 'gauge') return { html: values(panel, found, choice.to) };
  if (found.length === 0) return { html: nothing(panel) };
  switch (panel.type) {
    case 'timeseries':
      return drawGraph(panel, found, choice.to);
    case 'state-timeline':
      return { html: found.map((each) => band(panel, each, choice.to)) };
    case 'bargauge':
      return { html: bars(panel, found, choice.to) };
    default:
      throw new Error(`no kind of panel that boards here use: ${panel.type}`);
  }
}

function nothing(panel: Panel): Markup {
  return markup`<p class="none">${panel.fieldConfig?.defaults.noValue ?? 'No data'}</p>`;
}

function values(panel: Panel, found: readonly Series[], now: number): Markup {
  const one = (name: string, value: number | undefined, config: FieldConfig) => {
    const { text, colour } = show(value, config, now);
    return markup`<div>${name}<big style="color:${colour}">${text}</big></div>`;
  };
  const shown = found.map((each) =>
    one(found.length > 1 ? each.name : '', lastOf(each), configOf(panel, each.name, each.refId)),
  );
  return markup`<div class="values">${shown.length > 0 ? shown : one('', undefined, configOf(panel, '', ''))}</div>`;
}

function bars(panel: Panel, found: readonly Series[], now: number): readonly Markup[] {
  const { min = 0, max } = panel.fieldConfig?.defaults ?? {};
  const top = max ?? Math.max(...found.map((each) => lastOf(each) ?? 0), 1);
  return found.map((each) => {
    const value = lastOf(each);
    const { text, colour } = show(value, configOf(panel, each.name, each.refId), now);
    const width = Math.min(100, (100 * ((value ?? 0) - min)) / (top - min));
    return markup`<div class="bar"><span>${each.name}</span><i><i style="background:${colour};width:${width}%"></i></i>
      <b style="color:${colour}">${text}</b></div>`;
  });
}

async function table(panel: Panel, choice: Choice, ask: Ask): Promise<Markup> {
  const { headers, rows } = await rowsOf(panel, choice, ask);
  if (rows.length === 0) return nothing(panel);
  const columns = headers.map((header) => {
    const config = configOf(panel, header, '');
    const { width } = config.custom as { readonly width?: number };
    const isNumeric = rows.every((row) => typeof (row.get(header) ?? 0) === 'number');
    const kind = `${isNumeric ? 'number' : ''} ${config.links === undefined ? '' : 'link'}`;
    return { header, config, kind, style: width === undefined ? '' : `width:${width}px` };
  });
  const body = rows.map((row) => {
    const cells = columns.map(({ header, config, kind }) => {
      const value = row.get(header);
      const { text, colour } = value === undefined ? { text: '', colour: '' } : show(value, config, choice.to);
      return markup`<td class="${kind}" style="color:${colour}">${text}</td>`;
    });
    return markup`<tr>${cells}</tr>`;
  });
  const head = columns.map(({ header, kind, style }) => markup`<th class="${kind}" style="${style}">${header}</th>`);
  return markup`<table><tr>${head}</tr>${body}</table>`;
}

/** A band with one piece for each period of one state. */
function band(panel: Panel, series: Series, now: number): Markup {
  const config = configOf(panel, series.name, series.refId);
  const { values } = series;
  const starts = values.flatMap((value, index) => (index === 0 || value !== values[index - 1] ? [index] : []));
  const pieces = starts.map((start, index) => {
    const value = values[start]!;
    const { text, colour } = value === null ? { text: '', colour: 'transparent' } : show(value, config, now);
    const share = (count: number) => (100 * count) / values.length;
    const width = share((starts[index + 1] ?? values.length) - start);
    return markup`<i style="left:${share(start)}%;width:${width}%;background:${colour}">${text}</i>`;
  });
  return markup`<div class="band"><span>${series.name}</span><div>${pieces}</div></div>`;
}
