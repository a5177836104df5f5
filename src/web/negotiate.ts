import type { Format } from '../exposition/family-header.ts';

/** The format of a response and its content type. */
export interface Negotiated {
  readonly format: Format;
  /** The whole `Content-Type`. */
  readonly contentType: string;
}

/**
 * The versions of each format that equal our output. Text 1.0.0 equals 0.0.4 for metric names without UTF-8. A request
 * for OpenMetrics 2.0 gets 1.0.0, which its readers also accept: a 2.0 parser rejects our `info` families.
 */
const FORMATS: readonly {
  readonly mediaType: string;
  readonly format: Format;
  readonly version: RegExp;
  readonly answer: (version: string | undefined) => string;
}[] = [
  {
    mediaType: 'application/openmetrics-text',
    format: 'openmetrics',
    version: /^(?:1\.0\.0|2\.\d+\.\d+)$/,
    answer: () => '1.0.0',
  },
  {
    mediaType: 'text/plain',
    format: 'text',
    version: /^(?:0\.0\.4|1\.0\.0)$/,
    answer: (version = '0.0.4') => version,
  },
];

/** Text 0.0.4, for clients that accept none of our formats. */
const ANY_TEXT: Negotiated = { format: 'text', contentType: 'text/plain; version=0.0.4; charset=utf-8' };

/**
 * Escaping schemes for names that need UTF-8. Our names need none and are the same in these three. `dots` would double their
 * underscores, so a client that requests it gets `underscores`.
 */
const ESCAPINGS: ReadonlyMap<string, string> = new Map([
  ['allow-utf-8', 'allow-utf-8'],
  ['underscores', 'underscores'],
  ['values', 'values'],
  ['dots', 'underscores'],
]);

/** Seconds of a client's timeout reserved for transferring the response, as in the Blackbox exporter. */
const TIMEOUT_OFFSET_SECONDS = 0.5;

/** Longer timeouts count as unlimited. */
const LONGEST_TIMEOUT_SECONDS = 3600;

interface Preference {
  /** The name in lower case: `text/plain`, `gzip`. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/**
 * Chooses a format by the `Accept` header (Prometheus: docs/instrumenting/content_negotiation.md). OpenMetrics must be requested by
 * name, because `curl` and browsers accept anything and their users expect text. A client that accepts neither format gets text
 * too, which is more useful than a 406.
 */
export function negotiateFormat(accept: string | undefined): Negotiated {
  let best: { readonly negotiated: Negotiated; readonly quality: number } | undefined;
  for (const preference of parsePreferences(accept)) {
    const negotiated = answerTo(preference);
    const { quality } = preference;
    if (negotiated === undefined || quality === 0) continue;
    if (best === undefined || quality > best.quality) best = { negotiated, quality };
  }
  return best?.negotiated ?? ANY_TEXT;
}

function answerTo({ name, parameters }: Preference): Negotiated | undefined {
  if (name === 'text/*' || name === '*/*') return ANY_TEXT;
  const version = parameters.get('version');
  const found = FORMATS.find(({ mediaType }) => mediaType === name);
  if (found === undefined || (version !== undefined && !found.version.test(version))) return undefined;
  const escaping = ESCAPINGS.get(parameters.get('escaping') ?? '');
  const contentType = `${name}; version=${found.answer(version)}; charset=utf-8`;
  return {
    format: found.format,
    contentType: escaping === undefined ? contentType : `${contentType}; escaping=${escaping}`,
  };
}

/** Whether the `Accept-Encoding` header allows gzip and does not prefer the plain form. zstd is not supported: Node.js 20 lacks it. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const preferences = parsePreferences(acceptEncoding);
  const quality = (name: string): number | undefined => preferences.find((each) => each.name === name)?.quality;
  const gzip = quality('gzip') ?? quality('x-gzip') ?? quality('*') ?? 0;
  return gzip > 0 && gzip >= (quality('identity') ?? 0);
}

/**
 * Ms that a scrape may take so that its answer arrives in time, by the `X-Prometheus-Scrape-Timeout-Seconds` header: half a
 * second less than the client waits, but at least half of that. `undefined`: no limit, or none that makes sense.
 */
export function scrapeBudget(timeout: string | undefined): number | undefined {
  if (timeout === undefined || !/^\d+(\.\d+)?$/.test(timeout)) return undefined;
  const seconds = Number(timeout);
  if (seconds === 0 || seconds > LONGEST_TIMEOUT_SECONDS) return undefined;
  return Math.max(seconds - TIMEOUT_OFFSET_SECONDS, seconds / 2) * 1000;
}

/** Splits a header of the `Accept` family (RFC 9110, 12.4.2 and 5.6.6). Malformed parts are skipped. */
function parsePreferences(header: string | undefined): Preference[] {
  const preferences: Preference[] = [];
  for (const element of splitOutsideQuotes(header ?? '', ',')) {
    const [name = '', ...rest] = splitOutsideQuotes(element, ';');
    const parameters = new Map(rest.map(parseParameter));
    const quality = parseQuality(parameters.get('q'));
    if (name !== '' && quality !== undefined) preferences.push({ name: name.toLowerCase(), parameters, quality });
  }
  return preferences;
}

function parseParameter(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  if (equals === -1) return [text.toLowerCase(), ''];
  const value = text.slice(equals + 1).trim();
  const unquoted = /^"(.*)"$/.exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1');
  return [text.slice(0, equals).trim().toLowerCase(), unquoted ?? value];
}

function parseQuality(text: string | undefined): number | undefined {
  if (text === undefined) return 1;
  // RFC 9110 allows three decimals; some clients send more.
  return /^(0(\.\d*)?|1(\.0*)?)$/.test(text) ? Number(text) : undefined;
}

function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const pieces: string[] = [];
  let quoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted && character === '\\') index += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      pieces.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  pieces.push(text.slice(start).trim());
  return pieces;
}
