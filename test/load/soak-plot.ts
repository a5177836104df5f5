import { type Markup, markup } from '../../src/page/markup.ts';
import { FIGURES, type Sample } from './figures.ts';

const COLUMNS = 2;
const PANEL = { width: 470, height: 150 };
/** Around the area of the curve. */
const INSIDE = { left: 56, top: 28, width: PANEL.width - 76, height: PANEL.height - 54 };
const SHOWN = FIGURES.filter(({ key }) => key !== 'threads' && key !== 'processes' && key !== 'handles');

/** Draws the figures over time as SVG, a panel for each. The value axes begin at 0, so that growth has its true size. */
export function drawSoak(samples: readonly Sample[]): string {
  const height = PANEL.height * Math.ceil(SHOWN.length / COLUMNS);
  const end = Math.max(1, ...samples.map(({ seconds }) => seconds));
  const panels = SHOWN.map(({ key, title, unit }, nth) => {
    const values = samples.map((sample) => (unit === 'MB' ? sample[key] / 1e6 : sample[key]));
    const top = niceTop(Math.max(...values));
    const points = samples.map(({ seconds }, at) => {
      const x = INSIDE.left + (INSIDE.width * seconds) / end;
      const y = INSIDE.top + INSIDE.height * (1 - (values[at] ?? 0) / top);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    const at = `translate(${PANEL.width * (nth % COLUMNS)} ${PANEL.height * Math.floor(nth / COLUMNS)})`;
    return markup`
<g transform="${at}">
<text x="${INSIDE.left}" y="18" class="title">${title}${unit && `, ${unit}`}</text>
${[0, 0.5, 1].map((share) => lineAt(share, top))}${hours(end)}
<polyline points="${points.join(' ')}"/>
</g>`;
  });
  const size = { width: PANEL.width * COLUMNS, height };
  const { html } =
    markup`<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}">
<style>text { font: 11px sans-serif; fill: #57606a; } .title { font-size: 13px; fill: #24292f; } line { stroke: #d0d7de; } polyline { fill: none; stroke: #0969da; stroke-width: 1.2; }</style>
<rect width="100%" height="100%" fill="#ffffff"/>${panels}
</svg>`;
  return `${html}\n`;
}

/** A line of the grid, and its value. */
function lineAt(share: number, top: number): Markup {
  const y = INSIDE.top + INSIDE.height * (1 - share);
  return markup`<line x1="${INSIDE.left}" x2="${INSIDE.left + INSIDE.width}" y1="${y}" y2="${y}"/><text x="${INSIDE.left - 6}" y="${y + 4}" text-anchor="end">${(top * share).toLocaleString('en')}</text>`;
}

/** The times below: the beginning, the middle and the end. */
function hours(end: number): readonly Markup[] {
  return [0, 0.5, 1].map((share) => {
    const minutes = Math.round((end * share) / 60);
    const x = INSIDE.left + INSIDE.width * share;
    return markup`<text x="${x}" y="${INSIDE.top + INSIDE.height + 16}" text-anchor="middle">${minutes} min</text>`;
  });
}

/** The next of 1, 2, 5, 10… that is not less. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 1.5, 2, 3, 4, 5, 8, 10].map((factor) => factor * power).find((top) => top >= most) ?? most;
}
