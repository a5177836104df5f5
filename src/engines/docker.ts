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

/** What events mean. The last ones of a container may be all that is left of it; Podman calls the removal `remove`. */
const EVENTS: Readonly<Record<string, EngineEvent['kind']>> = {
  create: 'changed',
  start: 'changed',
  rename: 'changed',
  update: 'changed',
  die: 'ended',
  destroy: 'removed',
  remove: 'removed',
};

/** Podman 4 filters by its own name for `die`. */
const FILTERS = { type: ['container'], event: [...Object.keys(EVENTS), 'died'] };

/**
 * Every status counts as an answer: dockerode would read the body of an unexpected one into memory without a limit, as it
 * does with each body that is not taken as a stream.
 */
const EVERY_STATUS: Readonly<Record<number, true>> = Object.fromEntries(
  Array.from({ length: 900 }, (_, index) => [index + 100, true]),
);

/** Asks an engine with Docker's API (Docker, Podman). Every request has a connection of its own. */
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
      // Engines also accept a name or the beginning of an id.
      if (answer?.id !== id) throw new Error('The answer is about another container');
      return answer;
    },
    // Engines send the head of the answer at once.
    events: async (since, signal) => {
      const seconds = Math.max(1, Math.floor(since / 1000));
      return eventsOf(await get('/events?', { since: seconds, filters: FILTERS }, signal));
    },
  };
}

/** Sends a GET request. The path has a `?` at its end if there is a query. */
type Get = (path: string, query: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<HttpAnswer>;

async function createGet(address: DockerAddress): Promise<Get> {
  // Two thirds of all dependencies and 20 MiB of memory, so it is loaded only where there is an engine.
  const { default: Docker } = await import('dockerode');
  const { modem } = new Docker({
    // What is missing here would come from DOCKER_HOST and the like, which are not meant for daemons.
    socketPath: undefined,
    host: undefined,
    port: undefined,
    timeout: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    protocol: 'http',
    ...address,
    // A restart of the engine then leaves no dead connections.
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
    const kind = event === undefined ? undefined : EVENTS[event.action];
    if (event === undefined || kind === undefined) continue;
    const { id, names, at } = event;
    yield { id, names, at, kind };
  }
}
