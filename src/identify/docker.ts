import { IncomingMessage } from 'node:http';
import { type EngineApi, inTime, textOfAnswer } from './engine-api.ts';
import { type EngineOptions, EngineSource } from './engine-source.ts';
import type { NameSource } from './name-source.ts';

/** Where an engine listens. */
export type EngineAddress =
  | { readonly socketPath: string }
  | { readonly protocol: 'http' | 'https'; readonly host: string; readonly port: number };

/**
 * Names from an engine with Docker's API (Docker, Podman). It connects when the engine is there, and again for ever when
 * it goes; meanwhile it answers from what it knew.
 */
export function nameContainersBy(
  options: Omit<EngineOptions, 'connect' | 'socketPath'> & { readonly address: EngineAddress },
): NameSource {
  const { address, ...rest } = options;
  return new EngineSource({
    ...rest,
    socketPath: 'socketPath' in address ? address.socketPath : undefined,
    connect: () => connectTo(address),
  });
}

/**
 * Asks an engine once whether it is there.
 *
 * @throws Error if it does not answer well, or not within 2 s.
 */
export async function askEngine(address: EngineAddress): Promise<void> {
  const call = new AbortController();
  try {
    const api = await connectTo(address);
    const answer = api.get('/_ping', {}, call.signal).then((head) => textOfAnswer(head, LONGEST_PING));
    await inTime(answer, { ms: PING_MS, signal: call.signal, what: 'ping' });
  } finally {
    call.abort();
  }
}

const PING_MS = 2_000;

/** In bytes. */
const LONGEST_PING = 1_000;

/**
 * All of them are answers. An unexpected one would be read into memory by dockerode without an end, and so would every
 * body that is not taken as a stream.
 */
const EVERY_STATUS: Readonly<Record<number, true>> = Object.fromEntries(
  Array.from({ length: 900 }, (_, index) => [index + 100, true]),
);

async function connectTo(address: EngineAddress): Promise<EngineApi> {
  // It is two thirds of all that the exporter depends on, and 20 MiB: only where there is an engine.
  const { default: Docker } = await import('dockerode');
  const { modem } = new Docker({
    // What is left out it takes from DOCKER_HOST and its like, which are not for daemons.
    socketPath: undefined,
    host: undefined,
    port: undefined,
    timeout: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    protocol: 'http',
    ...address,
    // An engine that restarts leaves no dead connections behind.
    headers: { Connection: 'close' },
  });
  return {
    get: (path, query, signal) =>
      new Promise((resolve, reject) => {
        modem.dial(
          { method: 'GET', path, options: query, abortSignal: signal, isStream: true, statusCodes: EVERY_STATUS },
          (error, response) => {
            if (response instanceof IncomingMessage) resolve({ status: response.statusCode ?? 0, body: response });
            else reject(error ?? new Error('No answer'));
          },
        );
      }),
  };
}
