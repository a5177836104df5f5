import { cpus, release } from 'node:os';
import type { CgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { markdownTable, type Section } from '../page-section.ts';

/** The numbers of the bench for one count of containers, by name. */
export type Numbers = Readonly<Record<string, number>>;

/** Where the tables are in docs/performance.md. */
export const BACK_TO_BACK: Section = {
  begin: '<!-- The table below is made by `npm run bench -- --write`. -->',
  end: '<!-- The end of the table of scrapes back to back. -->',
};
export const PACED: Section = {
  begin: '<!-- The table below is made by `npm run bench -- --every 15 --write`. -->',
  end: '<!-- The end of the table of scrapes at an interval. -->',
};
export const COUNTED: Section = {
  begin: '<!-- The table below is made by `npm run bench:v2 -- --against DIR --write`. -->',
  end: '<!-- The end of the table of cgroup v2. -->',
};
export const PACED_DOCKER: Section = {
  begin: '<!-- The table below is made by `npm run bench -- --every 15 --docker --write`. -->',
  end: '<!-- The end of the table of scrapes of real containers. -->',
};

/** The cell of a comparison that was not made. A row of such cells alone is left out. */
const NONE = '–';

/** A row of the table: its title, and its text from the numbers. */
type Row = readonly [title: string, cell: (numbers: Numbers) => string];

const RATIOS: readonly Row[] = [
  ['Scrape / reading', times('plain/floor cpu p50')],
  ['Scrape with gzip / reading', times('gzip/floor cpu p50')],
  ['`fs/promises` and gauges / scrape', times('naive/plain cpu p50')],
  ['Scrape / that of the other build', times('plain/other plain cpu p50')],
  ['Scrape with gzip / that of the other build', times('gzip/other gzip cpu p50')],
];

const ROWS: readonly Row[] = [
  ['CPU of just reading the files', ms('floor cpu p50')],
  ['CPU of a scrape', ms('plain cpu p50')],
  ['CPU of a scrape with gzip', ms('gzip cpu p50')],
  ...RATIOS,
  ['Time of a scrape, median', ms('plain wall p50')],
  ['Time of a scrape, p99', ms('plain wall p99')],
  ['Memory', (numbers) => `${format(numbers['rss MB'])} MB`],
  ['Memory after scrapes back to back', (numbers) => `${format(numbers['rss MB after many scrapes in a row'])} MB`],
  ['Wait of another request during a scrape, p99', ms('wait during a scrape p99')],
  ['Start-up CPU', ms('start-up cpu')],
  ['Start-up CPU, above an empty host', ms('start-up cpu over empty host')],
  ['Samples per container', (numbers) => format(numbers['samples per container'])],
  ['New container visible within, p95', ms('visible p95')],
  ['Descriptors: empty host, loaded, all removed', descriptors],
];

/** Where each instruction takes 1 ns. Other times, and memory, say nothing there about another machine. */
const COUNTED_ROWS: readonly Row[] = [
  ['Instructions of just reading the files', millions('floor cpu p50')],
  ['Instructions of a scrape', millions('plain cpu p50')],
  ['Instructions of a scrape with gzip', millions('gzip cpu p50')],
  ...RATIOS,
  ['Instructions of a scrape 15 s after the last', millions('apart cpu p50')],
  ['Scrape 15 s after the last / reading', times('apart/floor cpu p50')],
  ['Scrape 15 s after the last / that of the other build', times('apart/other apart cpu p50')],
];

/** Renders the machine, and the costs of scrapes back to back by the number of containers. */
export function renderBackToBack(machine: string, results: readonly Numbers[]): string {
  return renderColumns(machine, ROWS, results);
}

/** Renders the same for the guest whose clock counts instructions. */
export function renderCounted(machine: string, results: readonly Numbers[]): string {
  return renderColumns(machine, COUNTED_ROWS, results);
}

function renderColumns(machine: string, all: readonly Row[], results: readonly Numbers[]): string {
  const header = ['', ...results.map(({ containers = NaN }) => containers.toLocaleString('en'))];
  const rows = all
    .map(([title, cell]) => [title, ...results.map(cell)])
    .filter(([, ...cells]) => cells.some((cell) => cell !== NONE));
  return `${machine}\n\n${markdownTable(header, rows, ['text', ...results.map(() => 'number' as const)])}`;
}

/** The numbers of one exporter, by their names without it. */
const PACED_ROWS: readonly Row[] = [
  ['Share of a core', (numbers) => `${format(numbers['% of a core'], 2)} %`],
  ['Between scrapes', (numbers) => `${format(numbers['% of a core between scrapes'], 2)} %`],
  ['CPU of a scrape', ms('scrape cpu p50')],
  ['Time of a scrape', ms('scrape wall p50')],
  ['Memory', (numbers) => `${format(numbers['rss MB'])} MB`],
  ['Samples', (numbers) => format(numbers['samples'])],
];

/** Renders the machine, and the costs of exporters beside each other. */
export function renderPaced(machine: string, results: readonly Numbers[]): string {
  const rows = results.flatMap((all) =>
    Array.from(byExporter(all), ([exporter, numbers]) => [
      format(all['containers']),
      exporter,
      ...PACED_ROWS.map(([, cell]) => cell(numbers)),
    ]),
  );
  const header = ['Containers', 'Exporter', ...PACED_ROWS.map(([title]) => title)];
  const alignments = header.map((title) => (title === 'Exporter' ? 'text' : 'number'));
  const floors = results.map((all) => `${format(all['floor cpu p50'])} ms (${format(all['containers'])} containers)`);
  const floor = `CPU of just reading the files at the same interval: ${floors.join(', ')}.`;
  return `${machine} ${floor}\n\n${markdownTable(header, rows, alignments)}`;
}

/** Splits names such as `ours: rss MB`, in the order of the exporters. */
function byExporter(numbers: Numbers): ReadonlyMap<string, Numbers> {
  const found = new Map<string, Record<string, number>>();
  for (const [key, value] of Object.entries(numbers)) {
    const [, exporter, name] = /^(.*): (.*)$/.exec(key) ?? [];
    if (exporter !== undefined && name !== undefined) found.set(exporter, { ...found.get(exporter), [name]: value });
  }
  return found;
}

/** This machine in a sentence. */
export function describeMachine({ version }: Pick<CgroupLayout, 'version'>, now = new Date()): string {
  const [cpu] = cpus();
  const date = now.toISOString().slice(0, 10);
  return `Linux ${release()}, cgroup ${version === 'hybrid' ? 'v1 (hybrid)' : version}, Node.js ${process.versions.node}, ${cpus().length} × ${cpu?.model.trim() ?? 'CPU'}, ${date}.`;
}

function ms(name: string): Row[1] {
  return (numbers) => `${format(numbers[name])} ms`;
}

/** At 1 ns each. */
function millions(name: string): Row[1] {
  return (numbers) => `${format(numbers[name])} million`;
}

function times(name: string): Row[1] {
  return ({ [name]: found = NaN }) => (Number.isNaN(found) ? NONE : `× ${format(found, 2)}`);
}

function descriptors(numbers: Numbers): string {
  return ['fds empty host', 'fds loaded', 'fds after removal'].map((name) => format(numbers[name])).join(', ');
}

/** With at least two digits that count. */
function format(value: number | undefined, decimals?: number): string {
  if (value === undefined || Number.isNaN(value)) return '?';
  return value.toLocaleString('en', { maximumFractionDigits: decimals ?? (value < 10 ? 1 : 0) });
}
