import { IncomingMessage } from 'node:http';
import { type DockerEvent, namedByEvent, namedByInspect, namedByList } from './docker-names.ts';
import type { EngineClient, EngineEvent } from './engine-client.ts';
import { type HttpAnswer, linesOfAnswer, textOfAnswer } from './http-answer.ts';

/** Where an engine with Docker's API listens. */
export type DockerAddress =
  | { readonly socketPath: string }
  | { readonly protocol: 'http' | 'https'; readonly host: string; readonly port: number };

/** In bytes. A list has 1 or 2 kB for a container. */
const LONGEST = { ping: 1_000, inspect: 4_000_000, list: 64_000_000, event: 1_000_000 };

/** After these a container has names, or others; the last ends them. */
const EVENTS: readonly string[] = ['create', 'start', 'rename', 'update', 'destroy'];
const EVENTS_QUERY = { filters: { type: ['container'], event: EVENTS } };

/**
 * All of them are answers. An unexpected one would be read into memory by dockerode without an end, and so would every
 * body that is not taken as a stream.
 */
const EVERY_STATUS: Readonly<Record<number, true>> = Object.fromEntries(
  Array.from({ length: 900 }, (_, index) => [index + 100, true]),
);

/** An engine with Docker's API: Docker, Podman. Every request has a connection of its own. */
export async function connectToDocker(address: DockerAddress): Promise<EngineClient> {
  const get = await createGet(address);
  const ask = async (path: string, most: number, signal: AbortSignal): Promise<string> =>
    textOfAnswer(await get(path, {}, signal), most);
  return {
    async ping(signal) {
      await ask('/_ping', LONGEST.ping, signal);
    },
    list: async (signal) => namedByList(JSON.parse(await ask('/containers/json', LONGEST.list, signal))),
    async inspect(id, signal) {
      const path = `/containers/${encodeURIComponent(id)}/json`;
      const answer = namedByInspect(JSON.parse(await ask(path, LONGEST.inspect, signal)));
      // Engines also answer to names and to the beginning of an id.
      if (answer?.id !== id) throw new Error('The answer is about another container');
      return answer;
    },
    // Engines send the head of the answer at once.
    events: async (signal) => eventsOf(await get('/events?', EVENTS_QUERY, signal)),
  };
}

/** Sends a GET request. The path has a `?` at its end if there is a query. */
type Get = (path: string, query: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<HttpAnswer>;

async function createGet(address: DockerAddress): Promise<Get> {
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
  return (path, query, signal) =>
    new Promise((resolve, reject) => {
      modem.dial(
        { method: 'GET', path, options: query, abortSignal: signal, isStream: true, statusCodes: EVERY_STATUS },
        (error, response) => {
          if (response instanceof IncomingMessage) resolve({ status: response.statusCode ?? 0, body: response });
          else reject(error ?? new Error('No answer'));
        },
      );
    });
}

async function* eventsOf(answer: HttpAnswer): AsyncGenerator<EngineEvent> {
  for await (const line of linesOfAnswer(answer, LONGEST.event)) {
    const event: DockerEvent | undefined = namedByEvent(line);
    if (event === undefined || !EVENTS.includes(event.action)) continue;
    const { id, names, action } = event;
    yield { id, names, isEnd: action === 'destroy' };
  }
}
