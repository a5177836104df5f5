import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UnreadResponses } from './unread-responses.ts';

/** A complete answer. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | readonly Buffer[];
  readonly headers?: Readonly<Record<string, string>>;
}

const TEXT = 'text/plain; charset=utf-8';

/** An answer with one line of plain text. */
export function textReply(status: number, line: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, contentType: TEXT, body: `${line}\n`, headers };
}

/**
 * Sends an answer; for HEAD only the headers. Disconnects a client that takes longer than `limits.ms` to read it,
 * because the client occupies one of the slots of `--web.max-requests`.
 */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  limits: { readonly ms: number; readonly unread: UnreadResponses },
): void {
  if (response.destroyed || response.headersSent) return;
  const { status, contentType, body, headers } = reply;
  const pieces = typeof body === 'string' ? [Buffer.from(body)] : body;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  limits.unread.add(response, request.socket, length);
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': length,
    'X-Content-Type-Options': 'nosniff',
    ...headers,
    // A request body is not read.
    ...(hasBody(request) ? { Connection: 'close' } : {}),
  });
  const timer = setTimeout(() => response.destroy(), limits.ms).unref();
  response.once('close', () => clearTimeout(timer));
  if (request.method !== 'HEAD') for (const piece of pieces) response.write(piece);
  response.end();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
