import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Whether the client has disconnected. A response in a pipeline does not notice this by itself. */
export function hasGone(request: IncomingMessage, response: ServerResponse): boolean {
  return response.destroyed || request.socket.destroyed;
}

/**
 * Calls back once a response is over. A response that waits in a pipeline has no socket yet, and never closes if the connection
 * ends first.
 */
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
