import { readdirSync, readFileSync } from 'node:fs';
import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';

const DIRECTORY = new URL('../../grafana/dashboards/', import.meta.url);

/** A query of a panel, as in the file. */
export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat?: string;
  readonly format?: string;
  readonly instant: boolean;
  readonly range: boolean;
  readonly interval?: string;
  readonly datasource: { readonly uid: string };
}

/** A board in the format that Grafana imports. */
export interface BoardFile {
  readonly name: string;
  readonly text: string;
  readonly dashboard: Dashboard;
  /** All panels, including those of folded rows, without the rows. */
  readonly panels: readonly Panel[];
  readonly rows: readonly RowPanel[];
}

/** Reads all boards. */
export function boardFiles(): readonly BoardFile[] {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'));
  return names.map((name) => {
    const text = readFileSync(new URL(name, DIRECTORY), 'utf8');
    const dashboard = JSON.parse(text) as Dashboard;
    const top = dashboard.panels ?? [];
    const rows = top.filter((panel): panel is RowPanel => panel.type === 'row');
    const panels = top.flatMap((panel) => ('panels' in panel ? panel.panels : [panel]));
    return { name: name.replace(/\.json$/, ''), text, dashboard, panels, rows };
  });
}

/** The queries of a panel. */
export function targetsOf(panel: Panel): readonly Target[] {
  return (panel.targets ?? []) as unknown as readonly Target[];
}
