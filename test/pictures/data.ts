import type { AnnotationQuery, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Target, targetsOf } from '../dashboards/board-files.ts';
import { type Choice, interpolate, stepOf } from '../dashboards/interpolate.ts';

/** Queries Prometheus with a path below `/api/v1/`. */
export type Ask = (path: string) => Promise<unknown>;

/** A series with its name. An instant query has one point. */
export interface Series {
  readonly name: string;
  readonly refId: string;
  /** Seconds, evenly spaced. */
  readonly times: readonly number[];
  /** The value at each of these times; `null` is a gap. */
  readonly values: readonly (number | null)[];
}

/** The last value. */
export function lastOf({ values }: Series): number | undefined {
  return values.findLast((value) => value !== null) ?? undefined;
}

/** A row of a table, by the headers of its columns. */
export type TableRow = ReadonlyMap<string, string | number>;

type Sample = readonly [time: number, value: string];
type Query = Pick<Target, 'expr' | 'interval' | 'instant'>;

interface Answer {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly Sample[];
}

/** The series of all queries of a panel. */
export async function seriesOf(panel: Panel, choice: Choice, ask: Ask): Promise<readonly Series[]> {
  const all = targetsOf(panel).map(async (target) => {
    const times = timesOf(target, choice);
    return (await answers(target, choice, ask)).map(({ metric, values }) => {
      const finite = values.map(([time, text]) => [time, Number(text)] as const).filter(([, value]) => isFinite(value));
      const known = new Map(finite);
      const name = legend(target.legendFormat ?? '', metric);
      return { name, refId: target.refId, times, values: times.map((time) => known.get(time) ?? null) };
    });
  });
  return (await Promise.all(all)).flat();
}

/** The rows of a table, after its transformations: merge, filterFieldsByName, organize. */
export async function rowsOf(panel: Panel, choice: Choice, ask: Ask): Promise<{ headers: string[]; rows: TableRow[] }> {
  const targets = targetsOf(panel);
  const frames = targets.map(async (target) => {
    const field = targets.length > 1 ? `Value #${target.refId}` : 'Value';
    return (await answers(target, choice, ask)).map(({ metric, values }) => ({
      ...metric,
      [field]: Number(values[0]![1]),
    }));
  });
  const renames: [field: string, header: string][] = Object.entries(
    panel.transformations?.find(({ id }) => id === 'organize')?.options.renameByName ?? {},
  );
  const rows = merge(await Promise.all(frames)).map(
    (row) => new Map(renames.filter(([field]) => field in row).map(([field, header]) => [header, row[field]!])),
  );
  const sorts = (panel.options as { sortBy: readonly { displayName: string; desc: boolean }[] }).sortBy;
  // The first sort key is the most important, so sort by it last.
  for (const { displayName, desc } of sorts.toReversed()) {
    rows.sort((one, other) => (desc ? -1 : 1) * compare(one.get(displayName), other.get(displayName)));
  }
  const headers = renames.map(([, header]) => header).filter((header) => rows.some((row) => row.has(header)));
  return { headers, rows };
}

/** The times of an annotation's marks, in seconds. */
export async function marksOf(annotation: AnnotationQuery, choice: Choice, ask: Ask): Promise<readonly number[]> {
  if (!annotation.enable) return [];
  const query = { expr: annotation.expr ?? '', interval: annotation.step ?? '1m', instant: false };
  const found = (await answers(query, choice, ask)).flatMap(({ values }) =>
    values.map(([time, value]) => (annotation.useValueForTime === true ? Number(value) / 1000 : time)),
  );
  return [...new Set(found)].filter((time) => time >= choice.from && time <= choice.to);
}

async function answers(target: Query, choice: Choice, ask: Ask): Promise<readonly Answer[]> {
  const query = encodeURIComponent(interpolate(target.expr, choice, target.interval));
  const times = timesOf(target, choice);
  const range = `start=${times[0]}&end=${times.at(-1)}&step=${stepOf(choice, target.interval)}`;
  // Only the results of instant queries have an order.
  const path = target.instant ? `query?query=${query}&time=${choice.to}` : `query_range?query=${query}&${range}`;
  const { result } = (await ask(path)) as { result: readonly (Partial<Answer> & { value?: Sample })[] };
  return result.map(({ metric = {}, value, values = [value!] }) => ({ metric, values }));
}

/** Times aligned to the step, as in Grafana's requests. */
function timesOf({ instant, interval }: Query, choice: Choice): readonly number[] {
  if (instant) return [choice.to];
  const step = stepOf(choice, interval);
  const first = Math.ceil(choice.from / step) * step;
  return Array.from({ length: Math.floor((choice.to - first) / step) + 1 }, (_, index) => first + index * step);
}

function legend(pattern: string, labels: Readonly<Record<string, string>>): string {
  return pattern.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '').replaceAll(/\s+/g, ' ');
}

type Cells = Readonly<Record<string, string | number>>;

/** Merges rows that agree in all labels that every query has. */
function merge(frames: readonly (readonly Cells[])[]): readonly Cells[] {
  if (frames.length === 1) return frames[0]!;
  const full = frames.filter((rows) => rows.length > 0);
  const common = Object.keys(full[0]?.[0] ?? {}).filter((key) => full.every((rows) => rows.some((row) => key in row)));
  const merged = new Map<string, Cells>();
  for (const row of full.flat()) {
    const key = JSON.stringify(common.map((label) => row[label]));
    merged.set(key, { ...merged.get(key), ...row });
  }
  return [...merged.values()];
}

function compare(one: string | number = '', other: string | number = ''): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one).localeCompare(String(other));
}
