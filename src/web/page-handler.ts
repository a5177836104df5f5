import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Pace } from '../pace.ts';
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
 * What the browser is to let the page do: show its own style sheet, run its own script, ask the exporter, and send its
 * own form. Nothing else, whatever a container is called.
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
  // It is true for a moment, and it names containers.
  'Cache-Control': 'no-store',
  Vary: 'Accept-Encoding',
};

/** How many pages are made at a time. People are few; a program that asks for thousands is to ask for metrics. */
const MOST_AT_A_TIME = 4;

/** Answers requests for the page; the query is what follows the `?`. */
export type PageHandler = (request: IncomingMessage, query: string) => Promise<Reply>;

/** Creates the handler for `/`. It reads nothing until somebody asks; who asks meanwhile shares what is read. */
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
    const pace = new Pace();
    for (const part of renderPage(facts)) {
      parts.push(part);
      if (pace.isDue()) await pace.rest();
    }
    return [Buffer.from(parts.join(''))];
  }

  return async (request, query) => {
    if (running >= MOST_AT_A_TIME)
      return textReply(503, 'Too many people are looking at this page now; try again later.');
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
