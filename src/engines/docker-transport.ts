import { request as requestHttp, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HttpAnswer } from './http-answer.ts';

/** Where an engine with Docker's API listens. */
export type DockerAddress =
  | { readonly socketPath: string }
  | { readonly protocol: 'http' | 'https'; readonly host: string; readonly port: number };

/** The options of a call as dockerode makes them: `docker-modem`'s `dial`, as far as GET requests need it. */
interface DialOptions {
  /** The path; it ends with `?` if the call takes a query. */
  readonly path: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** The interface that dockerode requires of a `modem`. */
interface Transport {
  dial(options: DialOptions, callback: (error: unknown, answer?: unknown) => void): void;
}

/**
 * Sends the GET requests of dockerode in place of docker-modem, which follows redirects to any host, buffers answers of
 * any length and throws where no caller can catch the error (docs/decisions). Here every answer ends in `read` or in an
 * error. The transport follows no redirect, switches no protocol and reads nothing from the environment. Each request
 * has its own connection, so an engine that restarts leaves no stale connections.
 *
 * @param call.signal ends the request, at any time.
 * @param call.read takes the answer as soon as its head has arrived.
 */
export function createTransport(
  address: DockerAddress,
  call: { readonly signal: AbortSignal; readonly read: (answer: HttpAnswer) => Promise<unknown> },
): Transport {
  return {
    dial({ path, options = {} }, callback) {
      ask(address, targetOf(path, options), call).then(
        (answer) => callback(null, answer),
        (error: unknown) => callback(error),
      );
    },
  };
}

/** Sends one GET request, for calls that dockerode does not have. */
export async function ask<T>(
  address: DockerAddress,
  path: string,
  call: { readonly signal: AbortSignal; readonly read: (answer: HttpAnswer) => Promise<T> },
): Promise<T> {
  return call.read(await get(address, path, call.signal));
}

function get(address: DockerAddress, path: string, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const isTls = 'protocol' in address && address.protocol === 'https';
    const where: RequestOptions =
      'socketPath' in address ? { socketPath: address.socketPath } : { host: address.host, port: address.port };
    const request = (isTls ? requestHttps : requestHttp)({ ...where, path, agent: false, signal });
    request.on('response', (body) => resolve({ status: body.statusCode ?? 0, body }));
    request.on('upgrade', (_, socket) => {
      socket.on('error', () => {}).destroy();
      reject(new Error('The answer has status 101'));
    });
    // After the head has arrived, the body reports errors. Without this listener, an error would end the process.
    request.on('error', reject);
    request.on('close', () => reject(new Error('The connection ended without an answer')));
    request.end();
  });
}

/** Docker's API takes lists and maps in a query as JSON. */
function targetOf(path: string, options: Readonly<Record<string, unknown>>): string {
  if (!path.endsWith('?')) return path;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    query.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return query.size === 0 ? path.slice(0, -1) : path + query.toString();
}
