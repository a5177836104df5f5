import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { whenOver } from './response-end.ts';

/** In bytes. About twenty expositions of a thousand containers. */
const MAX_UNREAD = 64 * 1024 * 1024;

/**
 * Responses that clients have not read yet. Their bytes stay in memory. Beyond a limit, this closes the connections of
 * the oldest responses, so a client that sends requests and never reads uses a bounded amount of memory.
 */
export class UnreadResponses {
  readonly #waiting = new Map<ServerResponse, { readonly bytes: number; readonly socket: Socket }>();
  readonly #most: number;
  #bytes = 0;

  /** @param most the limit in bytes. */
  constructor(most = MAX_UNREAD) {
    this.#most = most;
  }

  /** Adds a response that is about to be sent. */
  add(response: ServerResponse, socket: Socket, bytes: number): void {
    this.#bytes += bytes;
    for (const [oldest, { socket: its }] of this.#waiting) {
      if (this.#bytes <= this.#most) break;
      if (its === socket) continue;
      this.#remove(oldest);
      its.destroy();
    }
    this.#waiting.set(response, { bytes, socket });
    whenOver(response, socket, () => this.#remove(response));
  }

  #remove(response: ServerResponse): void {
    const found = this.#waiting.get(response);
    if (found === undefined) return;
    this.#waiting.delete(response);
    this.#bytes -= found.bytes;
  }
}
