import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server as PlainServer } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { errnoOf, toError } from '../kernel/errno.ts';
import type { ListenAddress } from '../config/values.ts';
import { createTlsServer } from './tls-server.ts';
import type { CurrentRules } from './web-rules.ts';

/** A server with or without TLS. */
export type HttpServer = PlainServer | TlsServer;

/** How long clients may take, in ms, and how many connections may be open. */
export interface ServerLimits {
  readonly headers: number;
  readonly request: number;
  readonly response: number;
  /** Longer than a scrape interval, so that Prometheus can keep its connection. */
  readonly keepAlive: number;
  /** How often the first two are checked. */
  readonly checkInterval: number;
  /** The time that responses in progress get when the server is disposed of. */
  readonly grace: number;
  /** The limit applies to all addresses together, because the process needs its descriptors for the files of containers. */
  readonly connections: number;
}

/** Limits that suit scrapes. */
export const DEFAULT_LIMITS: ServerLimits = {
  headers: 10_000,
  request: 20_000,
  response: 60_000,
  keepAlive: 150_000,
  checkInterval: 5_000,
  grace: 1_000,
  connections: 512,
};

/** Creates a server that never waits for ever and does not throw on invalid HTTP. */
export function createHttpServer(limits: ServerLimits, rules: CurrentRules): HttpServer {
  const options = {
    headersTimeout: limits.headers,
    requestTimeout: limits.request,
    keepAliveTimeout: limits.keepAlive,
    connectionsCheckingInterval: limits.checkInterval,
    handshakeTimeout: limits.headers,
  };
  const { tls } = rules.current();
  const server = tls === undefined ? createServer(options) : createTlsServer(options, rules, tls);
  server.on('clientError', refuse);
  return server;
}

/** Answers invalid HTTP. Not logged: anyone who reaches the port could fill the disk. */
function refuse(error: Error, socket: Duplex): void {
  const code = errnoOf(error);
  // Before the TLS handshake there is no way to answer.
  if (!socket.writable || code === 'ECONNRESET' || /^ERR_(SSL|TLS)_/.test(code ?? '')) {
    socket.destroy();
    return;
  }
  let status = '400 Bad Request';
  if (code === 'HPE_HEADER_OVERFLOW') status = '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') status = '408 Request Timeout';
  const type = 'Content-Type: text/plain; charset=utf-8';
  const body = `${status}\n`;
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\n${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}

/** Begins to listen. An error states the address and the reason in one line. */
export async function bind(server: HttpServer, address: ListenAddress): Promise<void> {
  const { host, port, text } = address;
  try {
    // Without a host: all addresses, IPv6 and IPv4 alike.
    server.listen({ port, ...(host === undefined ? {} : { host }) });
    await once(server, 'listening');
  } catch (error) {
    throw new Error(`Cannot listen on ${text}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = errnoOf(error);
  if (code === 'EADDRINUSE') return 'address already in use';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EADDRNOTAVAIL') return 'this host does not have the address';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'unknown host';
  return toError(error).message;
}

/** Stops listening, closes idle connections, and waits for the others to end. */
export function close(server: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/** Where a server listens, as `host:port`. */
export function addressOf(server: HttpServer): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
