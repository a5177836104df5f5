import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withSection } from '../page-section.ts';
import type { Sample } from './figures.ts';
import { runSoak, type SoakEnd, type SoakPlan } from './run-soak.ts';
import { renderSoak, SOAK } from './soak-page.ts';
import { drawSoak } from './soak-plot.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);
const PLOT = new URL('../../docs/soak.svg', import.meta.url);

/**
 * Runs the built exporter for hours beside 200 containers that come and go, processes, OOM kills, a Docker daemon that is restarted,
 * and configuration files that change, and writes what it needed over time into docs/reliability.md and docs/soak.svg. As root.
 *
 * Usage: npm run soak [-- --hours 6] [--samples FILE]; --render only draws the samples of an earlier run again.
 */
const { values: options } = parseArgs({
  options: {
    hours: { type: 'string', default: '6' },
    containers: { type: 'string', default: '200' },
    samples: { type: 'string', default: './soak.jsonl' },
    render: { type: 'boolean', default: false },
  },
});

const PLAN: SoakPlan = {
  containers: Number(options.containers),
  seconds: Number(options.hours) * 3_600,
  scrapeEverySeconds: 15,
  engine: true,
  like: 'cri-o',
  churnMs: 500,
  execMs: 300,
  killMs: 15_000,
  reloadMs: 60_000,
};

if (!options.render) {
  writeFileSync(options.samples, '');
  const keep = (line: Sample | SoakEnd): void => appendFileSync(options.samples, `${JSON.stringify(line)}\n`);
  keep(await runSoak(PLAN, keep));
}
const lines = readFileSync(options.samples, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): unknown => JSON.parse(line));
const end = lines.at(-1) as SoakEnd;
const samples = lines.slice(0, -1) as Sample[];
const rendered = renderSoak(samples, end);
console.log(rendered);
writeFileSync(
  PAGE,
  withSection(readFileSync(PAGE, 'utf8'), SOAK, () => rendered),
);
writeFileSync(PLOT, drawSoak(samples));
