import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pace } from '../pace.ts';
import { renderPage } from '../page/page.ts';
import { SCRIPT } from '../page/script.ts';
import { STYLE } from '../page/style.ts';
import { parseView } from '../page/view.ts';
import type { HostReport } from '../report/host-report.ts';
import type { Version } from '../version.ts';
import { compress } from './gzip.ts';
import { acceptsGzip } from './negotiate.ts';
import { textReply } from './respond.ts';
import type { Reply } from './respond.ts';
import { SingleFlight } from './single-flight.ts';

/**
 * The permissions of the page in the browser: its own style sheet and script, requests to the exporter, and its own
 * form. Nothing else is allowed, so text in a container's name cannot run anything.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': PAGE_POLICY,
  'Referrer-Policy': 'no-referrer',
  // The page is only valid for a moment, and it names containers.
  'Cache-Control': 'no-store',
  Vary: 'Accept-Encoding',
};

/** How many pages are rendered at a time. Programs should request the metrics instead. */
const MOST_AT_A_TIME = 4;

/** Answers requests for the page. The query is the text after the `?`. */
export type PageHandler = (request: IncomingMessage, query: string) => Promise<Reply>;

/** Creates the handler for `/`. It only reads on request, and concurrent requests share the report. */
export function createPageHandler(options: {
  readonly report: () => Promise<HostReport>;
  readonly version: Version;
  readonly telemetryPath: string;
}): PageHandler {
  const { report, version, telemetryPath } = options;
  const flights = new SingleFlight<HostReport>();
  let running = 0;

  async function make(query: string): Promise<readonly Buffer[]> {
    const facts = { report: await flights.run('', report), view: parseView(query), version, telemetryPath };
    const parts: string[] = [];
    for (const part of renderPage(facts)) {
      parts.push(part);
      if (pace.isDue()) await pace.rest();
    }
    return [Buffer.from(parts.join(''))];
  }

  return async (request, query) => {
    if (running >= MOST_AT_A_TIME)
      return textReply(503, 'Too many concurrent requests for this page; try again later.');
    running += 1;
    try {
      const page = await make(query);
      const reply = { status: 200, contentType: 'text/html; charset=utf-8', headers: HEADERS };
      if (!acceptsGzip(request.headers['accept-encoding'])) return { ...reply, body: page };
      return { ...reply, body: await compress(page), headers: { ...HEADERS, 'Content-Encoding': 'gzip' } };
    } finally {
      running -= 1;
    }
  };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
