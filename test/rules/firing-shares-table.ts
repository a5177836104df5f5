import { readdirSync, readFileSync } from 'node:fs';
import { FAILURES, type Failing, FLAPPING, INTERVALS, type Shares } from './firing-shares.ts';
import { rules } from './rule-files.ts';

/** By alert and interval (`15 s`): the shares in percent, for each of {@link FAILURES}. */
export type SharesTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

const FOLDER = new URL('firing-shares/', import.meta.url);
const FAILING = Object.keys(FAILURES) as Failing[];

/** The file with what was measured on a release: `prometheus-2.42.json`. */
export function storedShares(release: string): string {
  return new URL(`${release.toLowerCase().replaceAll(' ', '-')}.json`, FOLDER).pathname;
}

/** Arranges what was measured. */
export function sharesTable(measured: (interval: number, failing: Failing) => Shares): SharesTable {
  const cell = (alert: string, interval: number) =>
    FAILING.map((failing) => measured(interval, failing)[alert]?.holds).join(' ');
  return Object.fromEntries(
    rules.map(({ alert }) => [
      alert,
      Object.fromEntries(INTERVALS.map((interval) => [`${interval} s`, cell(alert, interval)])),
    ]),
  );
}

/** The releases on which it was measured. */
export function measuredOn(): string {
  const names = readdirSync(FOLDER)
    .map((file) =>
      file.replace('.json', '').replace('prometheus-', 'Prometheus ').replace('victoriametrics', 'VictoriaMetrics'),
    )
    .toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }));
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** The lowest shares of all releases, as Markdown. */
export function renderShares(): string {
  const tables = readdirSync(FOLDER).map(
    (file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as SharesTable,
  );
  const lowest = (alert: string, interval: number) =>
    FAILING.map((_, at) => Math.min(...tables.map((table) => Number(table[alert]?.[`${interval} s`]?.split(' ')[at]))));
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['Alert', ...INTERVALS.map((interval) => `${interval} s`)]),
    row(['---', ...INTERVALS.map(() => '---')]),
    ...rules.map(({ alert }) =>
      row([
        alert,
        ...INTERVALS.map((interval) =>
          lowest(alert, interval)
            .map((share, at) => (alert === FLAPPING && FAILING[at] === 'none' ? '–' : String(share)))
            .join(' · '),
        ),
      ]),
    ),
  ].join('\n');
}
