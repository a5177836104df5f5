import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../log.ts';
import { type Pieces, recycle } from '../exposition/buffers.ts';
import type { Format } from '../exposition/family-header.ts';
import { compress } from './gzip.ts';
import { labelValue } from '../exposition/render-labels.ts';
import { acceptsGzip, negotiateFormat, scrapeBudget } from './negotiate.ts';
import type { RequestSlots } from './request-slots.ts';
import { textReply } from './respond.ts';
import { hasGone, whenOver } from './response-end.ts';
import type { Reply } from './respond.ts';
import { SingleFlight } from './single-flight.ts';

/** A client's request. */
export interface ScrapeRequest {
  readonly format: Format;
  /** The requested collectors; all if not given. */
  readonly collect?: readonly string[];
  /** All except these collectors. */
  readonly exclude?: readonly string[];
  /** The deadline of the answer, in ms of `performance.now()`. */
  readonly deadline?: number;
}

/** Renders one exposition. */
export type ScrapeFunction = (request: ScrapeRequest) => Promise<Pieces>;

/** Answers requests for metrics. The query is the text after the `?`. */
export type MetricsHandler = (request: IncomingMessage, response: ServerResponse, query: string) => Promise<Reply>;

/** One exposition for all concurrent requests. */
class Exposition {
  readonly plain: Pieces;
  #compressed: Promise<Pieces> | undefined;
  #holders = 0;

  constructor(plain: Pieces) {
    this.plain = plain;
  }

  /** The compressed exposition, created at the first call. */
  gzipped(): Promise<Pieces> {
    return (this.#compressed ??= this.#compress());
  }

  /** Keeps the exposition until a response is over. Call it for all responses before sending the first of them. */
  holdFor(response: ServerResponse, socket: Socket): void {
    this.#holders += 1;
    whenOver(response, socket, () => this.#release());
  }

  async #compress(): Promise<Pieces> {
    // The compressing thread still reads the exposition after all clients have disconnected.
    this.#holders += 1;
    try {
      return await compress(this.plain);
    } finally {
      this.#release();
    }
  }

  #release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) recycle(this.plain);
  }
}

/** Creates the handler for a path of metrics. Paths can share the slots of their requests. */
export function createMetricsHandler(options: {
  readonly scrape: ScrapeFunction;
  /** The collectors that can be requested. */
  readonly collectors: readonly string[];
  readonly slots: RequestSlots;
  readonly log: Log;
  /** Answers in text 0.0.4, whatever the client prefers. */
  readonly onlyText?: true;
}): MetricsHandler {
  const { scrape, collectors, slots, log, onlyText } = options;
  const flights = new SingleFlight<Exposition | undefined>();

  async function expose(request: ScrapeRequest): Promise<Exposition | undefined> {
    try {
      return new Exposition(await scrape(request));
    } catch (error) {
      log.error({ error }, 'scrape failed');
      return undefined;
    }
  }

  return async (request, response, query) => {
    if (!slots.take(response, request.socket)) {
      return textReply(503, `Limit of concurrent requests reached (${slots.most}), try again later.`);
    }

    const selection = selectionOf(query, collectors);
    if (typeof selection === 'string') return textReply(400, selection);
    const { accept, 'accept-encoding': acceptEncoding } = request.headers;
    const { format, contentType } = negotiateFormat(onlyText ? undefined : accept);
    const budget = scrapeBudget(headerOf(request, 'x-prometheus-scrape-timeout-seconds'));
    const deadline = budget === undefined ? {} : { deadline: performance.now() + budget };
    // The servers of a Prometheus pair have the same timeout and share a run. A client with less time must not cut off theirs.
    const shared = await flights.run(JSON.stringify([format, selection, budget]), () =>
      expose({ format, ...selection, ...deadline }),
    );
    if (shared === undefined) return textReply(500, 'The scrape failed; see the log of the exporter.');
    // All requests that joined the run get here before any is answered. If a client has disconnected, `close` would not follow.
    if (hasGone(request, response)) return textReply(499, '');
    shared.holdFor(response, request.socket);
    slots.isReady(response);

    const vary = { Vary: 'Accept, Accept-Encoding' };
    if (!acceptsGzip(acceptEncoding)) {
      return { status: 200, contentType, body: shared.plain, headers: vary };
    }
    return { status: 200, contentType, body: await shared.gzipped(), headers: { ...vary, 'Content-Encoding': 'gzip' } };
  };
}

/** Reads `collect[]` and `exclude[]`. Returns a string if they are invalid. */
function selectionOf(query: string, known: readonly string[]): Pick<ScrapeRequest, 'collect' | 'exclude'> | string {
  const parameters = new URLSearchParams(query);
  const collect = [...new Set(parameters.getAll('collect[]'))].toSorted();
  const exclude = [...new Set(parameters.getAll('exclude[]'))].toSorted();
  if (collect.length > 0 && exclude.length > 0) return 'Either collect[] or exclude[] can be given, not both.';
  const unknown = [...collect, ...exclude].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return `Unknown or disabled collector "${labelValue(unknown)}"; there are: ${known.join(', ')}.`;
  }
  return { ...(collect.length > 0 ? { collect } : {}), ...(exclude.length > 0 ? { exclude } : {}) };
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
