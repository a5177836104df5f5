import { markdownTable, type Section } from '../page-section.ts';
import { FIGURES, type Sample, trendOf } from './figures.ts';
import type { SoakEnd } from './run-soak.ts';

/** Where the table is in docs/reliability.md. */
export const SOAK: Section = {
  begin: '<!-- The table below is made by `npm run soak`. -->',
  end: '<!-- The end of the table of the soak. -->',
};

/** Renders what happened, the table of the figures and the verdict. */
export function renderSoak(samples: readonly Sample[], end: SoakEnd): string {
  const trends = FIGURES.map((figure) => [figure, trendOf(samples, figure)] as const);
  const growing = trends.filter(([, { grows }]) => grows).map(([{ title }]) => title);
  const rows = trends.map(([{ key, title, unit }, { median, growth, allowed }]) => {
    const show = (value: number): string =>
      `${(unit === 'MB' ? value / 1e6 : value).toFixed(unit === '' ? 0 : 1)}${unit && ` ${unit}`}`;
    const values = samples.map((sample) => sample[key]);
    return [title, show(Math.min(...values)), show(Math.max(...values)), show(median), show(growth), show(allowed)];
  });
  const header = ['', 'Least', 'Most', 'Median of the second half', 'Growth in it', 'Allowed'];
  const happened = Object.entries(end.counts).map(([name, count]) => `${count.toLocaleString('en')} ${name}`);
  const unfound = end.problems.filter((problem) => problem.startsWith('OOM kills:')).length;
  const verdict = growing.length === 0 ? 'No growth.' : `Growth: ${growing.join(', ')}.`;
  return [
    `${durationOf(end.seconds)}, ${samples.length} samples: ${happened.join(', ')}. **${verdict}**`,
    '',
    `Started containers: ${counted(end.startedFound, end.started)}. Removed: ${counted(end.removedFound, end.removed)}. ` +
      `OOM kills in them: ${end.kills.toLocaleString('en')}, ${unfound === 0 ? 'each found with its container' : `${unfound} not found with their containers`}. Kills of the host in no counter: ${end.killsLost}.` +
      (end.problems.length === 0
        ? ''
        : ` Problems: ${end.problems.length}, such as: ${messageOf(end.problems[0] ?? '')}.`),
    '',
    markdownTable(
      header,
      rows,
      header.map((title) => (title === '' ? 'text' : 'number')),
    ),
  ].join('\n');
}

function counted(found: number, truth: number): string {
  return found === truth ? `${truth.toLocaleString('en')}, all counted` : `${found} counted of ${truth}`;
}

function durationOf(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} hours ${minutes % 60} minutes`;
}

/** A line of the log without its facts, which name what is only on one machine. */
function messageOf(problem: string): string {
  return /msg="([^"]*)"/.exec(problem)?.[1] ?? problem.slice(0, 160);
}
