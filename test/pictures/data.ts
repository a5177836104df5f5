import type { AnnotationQuery, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Target, targetsOf } from '../dashboards/board-files.ts';
import { type Choice, interpolate, stepOf } from '../dashboards/interpolate.ts';

/** Asks Prometheus: the path below `/api/v1/`. */
export type Ask = (path: string) => Promise<unknown>;

/** A series with its name. A query of one moment has one point. */
export interface Series {
  readonly name: string;
  readonly refId: string;
  /** Seconds and values, evenly apart; `undefined` is a gap. */
  readonly times: readonly number[];
  readonly values: readonly (number | undefined)[];
}

/** The last value that there is. */
export function lastOf({ values }: Series): number | undefined {
  return values.findLast((value) => value !== undefined);
}

/** A row of a table, by the headers of its columns. */
export type TableRow = ReadonlyMap<string, string | number>;

interface Answer {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/** The series of all queries of a panel. */
export async function seriesOf(panel: Panel, choice: Choice, ask: Ask): Promise<readonly Series[]> {
  const all = await Promise.all(
    targetsOf(panel).map(async (target) => {
      const times = target.instant ? [choice.to] : timesOf(choice, target.interval);
      return (await answers(target, choice, ask)).map(
        ({ metric, value, values = value === undefined ? [] : [value] }) => {
          const known = new Map(values.map(([time, text]) => [Math.round(time * 1000), Number(text)]));
          return {
            name: legend(target.legendFormat ?? '', metric),
            refId: target.refId,
            times,
            values: target.instant
              ? [Number(values[0]?.[1])]
              : times.map((time) => finite(known.get(Math.round(time * 1000)))),
          };
        },
      );
    }),
  );
  return all.flat();
}

/** The rows of a table, after its transformations: merge, filterFieldsByName, organize. */
export async function rowsOf(panel: Panel, choice: Choice, ask: Ask): Promise<{ headers: string[]; rows: TableRow[] }> {
  const targets = targetsOf(panel);
  const frames = await Promise.all(
    targets.map(async (target) =>
      (await answers(target, choice, ask)).map(({ metric, value }) => ({
        ...metric,
        [targets.length > 1 ? `Value #${target.refId}` : 'Value']: Number(value?.[1]),
      })),
    ),
  );
  const renames: [field: string, header: string][] = Object.entries(
    panel.transformations?.find(({ id }) => id === 'organize')?.options.renameByName ?? {},
  );
  const merged = frames.length > 1 ? merge(frames) : (frames[0] ?? []);
  const rows = merged.map((row) => {
    const cells = renames.flatMap(([field, header]): [string, string | number][] => {
      const cell = row[field];
      return cell === undefined ? [] : [[header, cell]];
    });
    return new Map(cells);
  });
  const headers = renames.map(([, header]) => header).filter((header) => rows.some((row) => row.has(header)));
  const sorts = (panel.options as { sortBy: readonly { displayName: string; desc: boolean }[] }).sortBy;
  rows.sort((one, other) => {
    for (const { displayName, desc } of sorts) {
      const order = compare(one.get(displayName), other.get(displayName));
      if (order !== 0) return desc ? -order : order;
    }
    return 0;
  });
  return { headers, rows };
}

/** Times (in seconds) and names of what an annotation marks. */
export async function marksOf(annotation: AnnotationQuery, choice: Choice, ask: Ask): Promise<readonly number[]> {
  if (!annotation.enable) return [];
  const target = { expr: annotation.expr ?? '', interval: annotation.step ?? '1m', instant: false };
  const found = (await answers(target, choice, ask)).flatMap(({ values = [] }) =>
    values.map(([time, value]) => (annotation.useValueForTime === true ? Number(value) / 1000 : time)),
  );
  return [...new Set(found)].filter((time) => time >= choice.from && time <= choice.to);
}

async function answers(
  target: Pick<Target, 'expr' | 'interval' | 'instant'>,
  choice: Choice,
  ask: Ask,
): Promise<readonly Answer[]> {
  const query = encodeURIComponent(interpolate(target.expr, choice, target.interval));
  const times = timesOf(choice, target.interval);
  const path = target.instant
    ? `query?query=${query}&time=${choice.to}`
    : `query_range?query=${query}&start=${times[0]}&end=${times.at(-1)}&step=${stepOf(choice, target.interval)}`;
  return ((await ask(path)) as { result: readonly Answer[] }).result;
}

/** Aligned to the step, as Grafana asks. */
function timesOf(choice: Choice, minStep: string | undefined): readonly number[] {
  const step = stepOf(choice, minStep);
  const first = Math.ceil(choice.from / step) * step;
  return Array.from({ length: Math.floor((choice.to - first) / step) + 1 }, (_, index) => first + index * step);
}

function legend(pattern: string, labels: Readonly<Record<string, string>>): string {
  return pattern.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '').replaceAll(/\s+/g, ' ');
}

type Cells = Readonly<Record<string, string | number>>;

/** Makes one row of those that agree in all labels that every query has. */
function merge(frames: readonly (readonly Cells[])[]): Cells[] {
  const full = frames.filter((rows) => rows.length > 0);
  const common = Object.keys(full[0]?.[0] ?? {}).filter((key) => full.every((rows) => rows.some((row) => key in row)));
  const merged = new Map<string, Cells>();
  for (const row of full.flat()) {
    const key = JSON.stringify(common.map((label) => row[label]));
    merged.set(key, { ...merged.get(key), ...row });
  }
  return [...merged.values()];
}

function compare(one: string | number | undefined, other: string | number | undefined): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one ?? '').localeCompare(String(other ?? ''));
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
