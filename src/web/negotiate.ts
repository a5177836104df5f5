import type { Format } from '../exposition/encode.ts';

/** How a response is to be written. */
export interface Negotiated {
  readonly format: Format;
  /** The whole `Content-Type`. */
  readonly contentType: string;
}

const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/**
 * How the names of metrics that need UTF-8 may be written. We have none, so whichever the client wants is what it
 * gets; Prometheus 3 expects to be told.
 */
const ESCAPINGS: ReadonlySet<string> = new Set(['allow-utf-8', 'underscores', 'dots', 'values']);

/** What is kept free of a client's timeout for the way to it, as the Blackbox exporter does. */
const TIMEOUT_OFFSET_SECONDS = 0.5;

/** Longer timeouts than this mean the same as none. */
const LONGEST_TIMEOUT_SECONDS = 3600;

interface Preference {
  /** In lower case: `text/plain`, `gzip`. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/**
 * Chooses a format by the `Accept` header. OpenMetrics must be asked for by name, since people with `curl` and
 * browsers (which accept anything) expect to be shown text; and whoever accepts neither gets text, which is better than a 406.
 */
export function negotiateFormat(accept: string | undefined): Negotiated {
  let best: { readonly format: Format; readonly preference: Preference } | undefined;
  for (const preference of parsePreferences(accept)) {
    const format = formatOf(preference);
    if (format === undefined || preference.quality === 0) continue;
    if (best === undefined || preference.quality > best.preference.quality) best = { format, preference };
  }
  const format = best?.format ?? 'text';
  const escaping = best?.preference.parameters.get('escaping');
  const suffix = escaping !== undefined && ESCAPINGS.has(escaping) ? `; escaping=${escaping}` : '';
  return { format, contentType: CONTENT_TYPES[format] + suffix };
}

function formatOf({ name, parameters }: Preference): Format | undefined {
  const version = parameters.get('version');
  if (name === 'application/openmetrics-text')
    return version === undefined || version === '1.0.0' ? 'openmetrics' : undefined;
  if (name === 'text/plain') return version === undefined || version === '0.0.4' ? 'text' : undefined;
  return name === 'text/*' || name === '*/*' ? 'text' : undefined;
}

/** Whether the `Accept-Encoding` header allows gzip and does not like the plain form better. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const preferences = parsePreferences(acceptEncoding);
  const quality = (name: string): number | undefined => preferences.find((each) => each.name === name)?.quality;
  const gzip = quality('gzip') ?? quality('x-gzip') ?? quality('*') ?? 0;
  return gzip > 0 && gzip >= (quality('identity') ?? 0);
}

/**
 * How many ms a scrape may take for its answer to be in time, by the `X-Prometheus-Scrape-Timeout-Seconds` header:
 * half a second less than the client waits, but at least half of it. `undefined`: there is no (sensible) limit.
 */
export function scrapeBudget(timeout: string | undefined): number | undefined {
  if (timeout === undefined || !/^\d+(\.\d+)?$/.test(timeout)) return undefined;
  const seconds = Number(timeout);
  if (seconds === 0 || seconds > LONGEST_TIMEOUT_SECONDS) return undefined;
  return Math.max(seconds - TIMEOUT_OFFSET_SECONDS, seconds / 2) * 1000;
}

/** Splits a header of the `Accept` family (RFC 9110, 12.4.2 and 5.6.6). What is malformed in it is passed over. */
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
