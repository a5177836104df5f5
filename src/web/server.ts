import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebConfig } from '../config/config.ts';
import type { Log } from '../log.ts';
import type { HostReport } from '../report/host-report.ts';
import type { Version } from '../version.ts';
import { Connections } from './connections.ts';
import type { PageHandler } from './page-handler.ts';
import { createMetricsHandler } from './metrics-handler.ts';
import type { ScrapeFunction } from './metrics-handler.ts';
import { RequestSlots } from './request-slots.ts';
import { send, textReply } from './respond.ts';
import { hasGone, whenOver } from './response-end.ts';
import type { Reply } from './respond.ts';
import { DEFAULT_LIMITS, addressOf, bind, close, createHttpServer } from './socket.ts';
import type { HttpServer, ServerLimits } from './socket.ts';
import { createGuard } from './auth.ts';
import { UnreadResponses } from './unread-responses.ts';
import type { CurrentRules } from './web-rules.ts';

/** What the server needs from the rest of the daemon. */
export interface ServerHandlers {
  readonly version: Version;
  /** The enabled collectors, which `collect[]` and `exclude[]` may name. */
  readonly collectors: readonly string[];
  readonly scrape: ScrapeFunction;
  /** Metrics under the names of cAdvisor, and the collectors that a request may name. */
  readonly cadvisor?: { readonly collectors: readonly string[]; readonly scrape: ScrapeFunction } | undefined;
  /** Reads the report for the page. */
  readonly report: () => Promise<HostReport>;
  /** Whether the daemon is healthy, for `/-/healthy`. */
  readonly isHealthy: () => boolean;
}

/** A server that listens until it is disposed of. */
export interface Server extends AsyncDisposable {
  /** The actual addresses, `host:port`, in the order of the configuration. */
  readonly addresses: readonly string[];
}

/** Serves metrics, health and a page at all addresses of the configuration. Fails if it cannot listen on one of them. */
export async function listen(
  config: WebConfig,
  handlers: ServerHandlers,
  options: { readonly log: Log; readonly rules: CurrentRules; readonly limits?: Partial<ServerLimits> },
): Promise<Server> {
  const { log, rules } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const guard = createGuard();
  const route = createRouter(config, handlers, log);
  const servers: HttpServer[] = [];
  const connections = new Connections(limits.connections);
  const unread = new UnreadResponses();
  let closing = false;

  function answer(server: HttpServer, request: IncomingMessage, response: ServerResponse): void {
    response.once('close', () => closing && setImmediate(() => server.closeIdleConnections()));
    whenOver(response, request.socket, connections.begin(request.socket));
    // A client may disconnect at any time. Without a listener this would be an exception.
    response.on('error', () => {});
    const { headers, users, allows } = rules.current();
    const admitted = allows()
      ? guard(request.headers.authorization, users)
      : Promise.resolve(textReply(429, 'Too many requests: the rate_limit of the web configuration is reached.'));
    admitted
      // A client that has already disconnected takes no slot.
      .then((refusal) => refusal ?? (hasGone(request, response) ? textReply(499, '') : route(request, response)))
      .catch((error: unknown) => {
        log.error({ error }, 'request failed');
        return textReply(500, 'Internal error; see the log of the exporter.');
      })
      .then((reply) => {
        if (closing) response.setHeader('Connection', 'close');
        send(
          request,
          response,
          { ...reply, headers: { ...reply.headers, ...Object.fromEntries(headers) } },
          { ms: limits.response, unread },
        );
      })
      .catch((error: unknown) => {
        log.error({ error }, 'response failed');
        response.destroy();
      });
  }

  async function dispose(): Promise<void> {
    closing = true;
    // `closeAllConnections` would miss connections that are in a TLS handshake.
    const timer = setTimeout(() => connections.destroy(), limits.grace);
    await Promise.all(servers.map(close));
    clearTimeout(timer);
  }

  try {
    for (const address of config.listenAddresses) {
      const server = createHttpServer(limits, rules);
      server.on('connection', (socket) => connections.add(socket));
      server.on('request', (request, response) => answer(server, request, response));
      await bind(server, address);
      server.on('error', (error) => log.warn({ error }, 'HTTP server error'));
      servers.push(server);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return { addresses: servers.map(addressOf), [Symbol.asyncDispose]: dispose };
}

type Router = (request: IncomingMessage, response: ServerResponse) => Promise<Reply>;

function createRouter(config: WebConfig, handlers: ServerHandlers, log: Log): Router {
  const { telemetryPath, cadvisorPath } = config;
  const { version, scrape, report, isHealthy, collectors, cadvisor } = handlers;
  const slots = new RequestSlots(config.maxRequests);
  const metrics = createMetricsHandler({ scrape, collectors, slots, log });
  const metricsOfCadvisor = cadvisor && createMetricsHandler({ ...cadvisor, slots, log, onlyText: true });
  // Loaded when somebody opens it: most exporters are only scraped.
  let page: Promise<PageHandler> | undefined;
  const loadPage = async (): Promise<PageHandler> => {
    const { createPageHandler } = await import('./page-handler.ts');
    return createPageHandler({ report, version, telemetryPath });
  };

  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return textReply(405, 'Only GET and HEAD are allowed.', { Allow: 'GET, HEAD' });
    }
    const [path, query] = splitTarget(request.url ?? '/');
    if (path === cadvisorPath && metricsOfCadvisor !== undefined) return metricsOfCadvisor(request, response, query);
    switch (path) {
      case telemetryPath:
        return metrics(request, response, query);
      case '/-/healthy':
      case '/healthz':
        if (!isHealthy()) return textReply(503, 'The event loop stood still for 30 seconds or more.');
        return textReply(200, `${version.name} is healthy.`);
      case '/-/ready':
        // The server only listens once the host's containers are known.
        return textReply(200, `${version.name} is ready.`);
      case '/':
        return (await (page ??= loadPage()))(request, query);
      default:
        return textReply(404, 'Not found.');
    }
  };
}

/** Splits the request target into path and query. Proxies may send the whole URL. */
function splitTarget(target: string): [path: string, query: string] {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = local.indexOf('?');
  const path = mark === -1 ? local : local.slice(0, mark);
  return [path === '' ? '/' : path, mark === -1 ? '' : local.slice(mark + 1)];
}
