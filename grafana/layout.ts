import type { GridPos, Panel as SdkPanel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Panel } from './panel.ts';

/** A panel and its size on the grid, which is 24 columns wide. */
export interface Sized {
  readonly width: number;
  readonly height: number;
  readonly panel: Panel;
}

/** A heading with the panels below it. */
export interface Row {
  readonly title: string;
  /** `folded`: rarely used. Grafana runs no queries for it until it is opened. */
  readonly state?: 'open' | 'folded';
  readonly panels: readonly Sized[];
}

const GRID_WIDTH = 24;

/** Gives a panel a size. */
export function sized(width: number, height: number, panel: Panel): Sized {
  return { width, height, panel };
}

/**
 * Places panels side by side while there is room, then in the next line. Panel ids are numbered by row, so that a new panel does
 * not change the ids (`viewPanel=`) in other rows.
 */
export function layOut(rows: readonly Row[]): (SdkPanel | RowPanel)[] {
  const all: (SdkPanel | RowPanel)[] = [];
  let y = 0;
  for (const [index, row] of rows.entries()) {
    const id = 100 * (index + 1);
    const folded = row.state === 'folded';
    const { panels, end } = flow(row.panels, y + 1, id);
    const gridPos = { h: 1, w: GRID_WIDTH, x: 0, y };
    all.push({ type: 'row', id, title: row.title, collapsed: folded, gridPos, panels: folded ? panels : [] });
    if (!folded) all.push(...panels);
    y = folded ? y + 1 : end;
  }
  return all;
}

function flow(panels: readonly Sized[], top: number, rowId: number): { panels: SdkPanel[]; end: number } {
  let [x, y, lineHeight] = [0, top, 0];
  const placed = panels.map(({ width, height, panel }, index): SdkPanel => {
    if (x + width > GRID_WIDTH) [x, y, lineHeight] = [0, y + lineHeight, 0];
    const gridPos: GridPos = { h: height, w: width, x, y };
    x += width;
    lineHeight = Math.max(lineHeight, height);
    return { id: rowId + index + 1, ...panel, gridPos };
  });
  return { panels: placed, end: y + lineHeight };
}
