import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { whenOver } from './response-end.ts';

/** How long a client may take to read its answer while other requests wait, in ms. */
const PATIENCE_MS = 5_000;

/**
 * Limits the number of concurrent requests: each takes a slot. When all slots are taken, a client that has not read
 * its answer for a while loses its slot and its connection. Otherwise clients that never read would block others.
 */
export class RequestSlots {
  /** 0: any number. */
  readonly most: number;
  readonly #patience: number;
  /** The response, and since when the answer has been ready, in ms of `performance.now()`. */
  readonly #taken = new Map<ServerResponse, { readonly socket: Socket; readySince: number | undefined }>();

  /** @param most the number of slots; 0 means any number. */
  constructor(most: number, patience = PATIENCE_MS) {
    this.most = most;
    this.#patience = patience;
  }

  /** Takes a slot until the response is over. Returns `false` if none is free. */
  take(response: ServerResponse, socket: Socket): boolean {
    if (this.most > 0 && this.#taken.size >= this.most) this.#freeOne();
    if (this.most > 0 && this.#taken.size >= this.most) return false;
    this.#taken.set(response, { socket, readySince: undefined });
    whenOver(response, socket, () => this.#taken.delete(response));
    return true;
  }

  /** Notes that the answer is ready; the rest is up to the client. */
  isReady(response: ServerResponse): void {
    const slot = this.#taken.get(response);
    if (slot !== undefined) slot.readySince = performance.now();
  }

  #freeOne(): void {
    const now = performance.now();
    for (const [response, { socket, readySince = now }] of this.#taken) {
      if (now - readySince < this.#patience) continue;
      this.#taken.delete(response);
      socket.destroy();
      return;
    }
  }
}
