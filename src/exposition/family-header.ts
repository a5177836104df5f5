/** The exposition formats: Prometheus text 0.0.4 and OpenMetrics 1.0. */
export type Format = 'text' | 'openmetrics';

/** The lines above the samples of a family. */
export interface FamilyHeader {
  /** The name on the samples: with `_total` for a counter and `_info` for an info. */
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
}

/**
 * `plain_counter`: a counter without `_total` in its name. Only text 0.0.4 allows it, so that its type in OpenMetrics is
 * `unknown`.
 */
export type FamilyType = 'counter' | 'plain_counter' | 'gauge' | 'info' | 'histogram' | 'summary' | 'unknown';

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Suffixes of sample names by type; other types have none. */
const SUFFIXES: Readonly<Partial<Record<FamilyType, readonly string[]>>> = {
  counter: ['_total', '_created'],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** A header, rendered once: the families of the collectors are the same objects in each exposition. */
export interface RenderedHeader {
  readonly base: string;
  readonly name: Uint8Array;
  /** All names that the family and its samples can have. */
  readonly names: ReadonlySet<string>;
  readonly lines: Readonly<Record<Format, string>>;
}

const renderedHeaders = new WeakMap<FamilyHeader, RenderedHeader>();

/** Renders a header. */
export function renderedHeader(header: FamilyHeader): RenderedHeader {
  const known = renderedHeaders.get(header);
  if (known !== undefined) return known;
  const base = baseName(header);
  const help = escapeHelp(header.help);
  const rendered = {
    base,
    name: Buffer.from(header.name),
    names: new Set([base, ...(SUFFIXES[header.type] ?? ['']).map((suffix) => base + suffix)]),
    lines: {
      openmetrics: `# TYPE ${base} ${header.type === 'plain_counter' ? 'unknown' : header.type}\n# HELP ${base} ${help.replaceAll('"', '\\"')}\n`,
      text: `# HELP ${header.name} ${help}\n# TYPE ${header.name} ${textType(header.type)}\n`,
    },
  };
  renderedHeaders.set(header, rendered);
  return rendered;
}

/** The OpenMetrics name of a family, in which `_total` and `_info` belong to the sample only. */
function baseName(header: FamilyHeader): string {
  const suffix = header.type === 'counter' ? '_total' : header.type === 'info' ? '_info' : '';
  const base = header.name.slice(0, header.name.length - suffix.length);
  if (!header.name.endsWith(suffix) || !NAME.test(base)) {
    throw new Error(`"${header.name}" is not a name for a family of type ${header.type}`);
  }
  return base;
}

function textType(type: FamilyType): string {
  if (type === 'info') return 'gauge';
  if (type === 'plain_counter') return 'counter';
  return type === 'unknown' ? 'untyped' : type;
}

/** Replaces control characters, and escapes newlines and backslashes. */
function escapeHelp(help: string): string {
  // oxlint-disable-next-line no-control-regex
  const printable = help.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ud800-\udfff]/gu, '\ufffd');
  return printable.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
