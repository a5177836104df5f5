/** What a viewer has chosen above a board. */
export interface Choice {
  /** Seconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Prometheus' scrape interval in seconds, as in the settings of the data source in Grafana. */
  readonly scrapeInterval: number;
  /** Of the board's variables; what is not among them is `All`. */
  readonly values: Readonly<Record<string, string>>;
}

/** The value of a variable without a selected value. */
const ALL: Readonly<Record<string, string>> = { job: '.+', instance: '.+', engine: '.+', namespace: '.*', pod: '.*' };

/** Points that a graph has room for. */
const POINTS = 300;

/** How far apart the points of a graph are, in seconds. `minStep` is as in a query: `1m`. */
export function stepOf(choice: Choice, minStep?: string): number {
  const [, number, unit] = /^(\d+)([sm])$/.exec(minStep ?? `${choice.scrapeInterval}s`) ?? [];
  const least = Number(number) * (unit === 'm' ? 60 : 1);
  return Math.max(least, Math.ceil((choice.to - choice.from) / POINTS));
}

/** Puts values for a query's variables, as Grafana does. */
export function interpolate(expr: string, choice: Choice, minStep?: string): string {
  // So that there are always several scrapes in it.
  const rateInterval = Math.max(stepOf(choice, minStep) + choice.scrapeInterval, 4 * choice.scrapeInterval);
  return expr
    .replaceAll('$__rate_interval', `${rateInterval}s`)
    .replaceAll('$__range_s', String(Math.ceil(choice.to - choice.from)))
    .replaceAll('$__range', `${Math.ceil(choice.to - choice.from)}s`)
    .replaceAll(/\$(\w+)/g, (variable, name: string) => {
      const value = choice.values[name] ?? ALL[name];
      if (value === undefined) throw new Error(`${variable} has no value: ${expr}`);
      return value;
    });
}
