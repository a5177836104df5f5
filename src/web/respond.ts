import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A whole answer. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | readonly Buffer[];
  readonly headers?: Readonly<Record<string, string>>;
}

const TEXT = 'text/plain; charset=utf-8';

/** One line of plain text. */
export function textReply(status: number, line: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, contentType: TEXT, body: `${line}\n`, headers };
}

/**
 * Sends a whole answer; to HEAD only what precedes it. A client that takes longer than `timeLimit` ms to fetch it is
 * let go: it would hold one of the places that `--web.max-requests` gives out.
 */
export function send(request: IncomingMessage, response: ServerResponse, reply: Reply, timeLimit: number): void {
  if (response.destroyed || response.headersSent) return;
  const { status, contentType, body, headers } = reply;
  const pieces = typeof body === 'string' ? [Buffer.from(body)] : body;
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': pieces.reduce((sum, piece) => sum + piece.length, 0),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
    // Nobody will read the rest of a body that nobody asked for.
    ...(hasBody(request) ? { Connection: 'close' } : {}),
  });
  const timer = setTimeout(() => response.destroy(), timeLimit).unref();
  response.once('close', () => clearTimeout(timer));
  if (request.method !== 'HEAD') for (const piece of pieces) response.write(piece);
  response.end();
}

/** Whether nobody waits for a response any more. One in a pipeline does not know that by itself. */
export function hasGone(request: IncomingMessage, response: ServerResponse): boolean {
  return response.destroyed || request.socket.destroyed;
}

/** A response that waits in a pipeline behind others has no socket yet, and never closes if that goes first. */
export function whenOver(response: ServerResponse, socket: Socket, callback: () => void): void {
  const over = (): void => {
    response.off('close', over);
    socket.off('close', over);
    callback();
  };
  response.once('close', over);
  // A pipeline has many responses on one socket.
  socket.setMaxListeners(0).once('close', over);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
