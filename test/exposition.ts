import type { Format } from '../src/exposition/family-header.ts';

/** A sample parsed from an exposition. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A parsed family. In OpenMetrics the name is that of the `# TYPE` line, without `_total` and `_info`. */
export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  'openmetrics counter': ['_total', '_created'],
  'openmetrics info': ['_info'],
  'openmetrics histogram': ['_bucket', '_sum', '_count'],
  'openmetrics summary': ['', '_sum', '_count'],
  'text histogram': ['_bucket', '_sum', '_count'],
  'text summary': ['', '_sum', '_count'],
};

/**
 * Parses an exposition more strictly than Prometheus, so that what passes here is valid everywhere.
 * Throws a `SyntaxError` for any misplaced line, a split family, a family without samples, and a duplicate series. It shares no
 * code with the encoder on purpose.
 */
export function parseExposition(text: string, format: Format): ParsedFamily[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new SyntaxError('The last line has no end');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new SyntaxError('There is no "# EOF"');
  const families: (ParsedFamily & { samples: ParsedSample[] })[] = [];
  const names = new Set<string>();
  const series = new Set<string>();
  let metadata = new Map<string, string>();
  for (const line of lines) {
    const header = /^# (HELP|TYPE) ([a-zA-Z_][a-zA-Z0-9_]*) (.*)$/s.exec(line);
    if (header !== null) {
      const [, kind = '', name = '', rest = ''] = header;
      if (metadata.get('name') !== name || metadata.has(kind)) {
        if (names.has(name)) throw new SyntaxError(`Family comes twice: ${line}`);
        if (metadata.has('open')) throw new SyntaxError(`Family without samples before: ${line}`);
        metadata = new Map([
          ['name', name],
          ['open', ''],
        ]);
        names.add(name);
      }
      metadata.set(kind, rest);
      continue;
    }
    const sample = parseSample(line);
    const [name, type] = [metadata.get('name') ?? '', metadata.get('TYPE') ?? ''];
    const suffixes = SUFFIXES[`${format} ${type}`] ?? [''];
    if (!suffixes.some((suffix) => sample.name === name + suffix)) throw new SyntaxError(`Not of ${name}: ${line}`);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
    if (series.has(key)) throw new SyntaxError(`Series comes twice: ${line}`);
    series.add(key);
    if (metadata.delete('open')) {
      families.push({ name, type, help: unescape(metadata.get('HELP') ?? ''), samples: [] });
    }
    families.at(-1)?.samples.push(sample);
  }
  if (metadata.has('open')) throw new SyntaxError(`Family without samples: ${metadata.get('name')}`);
  return families;
}

function parseSample(line: string): ParsedSample {
  const match = /^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.+)\})? (\S+)$/s.exec(line);
  if (match === null) throw new SyntaxError(`Not a sample: ${line}`);
  const [, name = '', inside, number = ''] = match;
  return { name, labels: inside === undefined ? {} : parseLabels(inside, line), value: parseValue(number, line) };
}

function parseLabels(inside: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,(?!$)|$)/uy;
  while (pair.lastIndex < inside.length) {
    const [, name, value] = pair.exec(inside) ?? [];
    if (name === undefined || value === undefined) throw new SyntaxError(`Labels cannot be read: ${line}`);
    if (Object.hasOwn(labels, name)) throw new SyntaxError(`Label comes twice: ${line}`);
    labels[name] = unescape(value);
  }
  return labels;
}

function parseValue(text: string, line: string): number {
  const named = { NaN, '+Inf': Infinity, '-Inf': -Infinity }[text];
  if (named !== undefined) return named;
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) throw new SyntaxError(`Not a number: ${line}`);
  return Number(text);
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
