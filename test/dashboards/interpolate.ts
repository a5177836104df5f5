/** The viewer's choices above a board. */
export interface Choice {
  /** Seconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Prometheus' scrape interval in seconds, as in the settings of the data source in Grafana. */
  readonly scrapeInterval: number;
  /** Values of the board's variables; an array for a variable with several values. A variable without a value is `All`. */
  readonly values: Readonly<Record<string, string | readonly string[]>>;
  /** Whether Grafana has the feature toggle `prometheusSpecialCharsInLabelValues`. By default it has not. */
  readonly specialCharacters?: true;
}

/** The `allValue` of each variable that can have several values. Grafana inserts it unchanged, whatever the format. */
export const ALL_VALUES: Readonly<Record<string, string>> = {
  job: '.+',
  instance: '.+',
  engine: '.+',
  namespace: '.*',
  pod: '.*',
};

/** The text of each variable that is a text box, as the boards come. */
export const DEFAULTS = { team_label: 'label_team' } as const;

/** The number of points in a graph. */
const POINTS = 300;

/** The distance between the points of a graph, in seconds. `minStep` is as in a query: `1m`. */
export function stepOf(choice: Choice, minStep?: string): number {
  const [, number, unit] = /^(\d+)([sm])$/.exec(minStep ?? `${choice.scrapeInterval}s`) ?? [];
  const least = Number(number) * (unit === 'm' ? 60 : 1);
  return Math.max(least, Math.ceil((choice.to - choice.from) / POINTS));
}

/** Replaces the variables in a query by their values, as Grafana does: `$name` and `${name:format}`, in one pass. */
export function interpolate(expr: string, choice: Choice, minStep?: string): string {
  // The interval always contains several scrapes.
  const rateInterval = Math.max(stepOf(choice, minStep) + choice.scrapeInterval, 4 * choice.scrapeInterval);
  const builtIn: Readonly<Record<string, string>> = {
    ...DEFAULTS,
    __rate_interval: `${rateInterval}s`,
    __range_s: String(Math.ceil(choice.to - choice.from)),
    __range: `${Math.ceil(choice.to - choice.from)}s`,
  };
  return expr.replaceAll(
    /\$(\w+)|\$\{(\w+)(?::(\w+))?\}/g,
    (variable, plain?: string, braced?: string, format?: string) => {
      const name = plain ?? braced ?? '';
      const value = choice.values[name];
      const known = builtIn[name] ?? (value === undefined ? ALL_VALUES[name] : undefined);
      if (known !== undefined) return known;
      if (value === undefined) throw new Error(`${variable} has no value: ${expr}`);
      return formatValue(value, format ?? (name in ALL_VALUES ? 'regex of Prometheus' : 'text of Prometheus'), choice);
    },
  );
}

/**
 * Grafana's formats of values: `packages/grafana-prometheus/src/escaping.ts` for what a query of Prometheus gets without a
 * format, `public/app/features/templating/formatVariableValue.ts` (scenes: `formatRegistry.ts`) for the others.
 */
function formatValue(value: string | readonly string[], format: string, { specialCharacters }: Choice): string {
  const anyOf = (escape: (text: string) => string) => {
    const each = [value].flat().map(escape);
    return each.length === 1 ? each[0]! : `(${each.join('|')})`;
  };
  switch (format) {
    case 'raw':
      return String(value);
    case 'regex':
      return anyOf((text) => text.replaceAll(/[\\^$*+?.()|[\]{}/]/g, String.raw`\$&`));
    // A variable with several values, inside double quotes.
    case 'regex of Prometheus':
      return specialCharacters
        ? anyOf((text) =>
            text
              .replaceAll('\\', String.raw`\\\\`)
              .replaceAll('"', String.raw`\\\"`)
              .replaceAll(/[$^*{}[\]'+?.()|]/g, String.raw`\\$&`),
          )
        : anyOf((text) => text.replaceAll('\\', String.raw`\\\\`).replaceAll(/[$^*{}[\]+?.()|]/g, String.raw`\\$&`));
    case 'text of Prometheus':
      return specialCharacters
        ? String(value)
            .replaceAll('\\', String.raw`\\`)
            .replaceAll('"', String.raw`\"`)
        : String(value)
            .replaceAll('\\', String.raw`\\`)
            .replaceAll("'", String.raw`\\'`);
    default:
      throw new Error(`${format} is not known here`);
  }
}
