import type Docker from 'dockerode';
import type { ContainerLabel } from '../config/container-labels.ts';
import {
  dockerSelections,
  namedByEvent,
  namedByInspect,
  namedByList,
  runningIn,
  withoutUnstarted,
} from './docker-names.ts';
import { lifeInInspect } from './docker-life.ts';
import { createTransport, type DockerAddress } from './docker-transport.ts';
import type { DockerEvent } from './docker-names.ts';
import type { EngineClient, EngineEvent, OnLimit } from './engine-client.ts';
import { drain, type HttpAnswer, type Line, readLines, readList, readObject } from './http-answer.ts';
import { loadDockerode } from './load-dockerode.ts';

/** The maximum length of a ping's answer, in bytes. */
const MAX_PING = 1_000;
/** In bytes. A container that publishes every port has 12 MB. */
export const MAX_INSPECT = 32_000_000;
/** A list has 1 or 2 kB per container. A container that exposes every port has some MB. */
export const MAX_LIST = { bytes: 64_000_000, objects: 20_000 };
/** An event has the container's labels. */
const MAX_EVENTS = { longest: 32_000_000, bytesPerSecond: 16_000_000 };

/**
 * The meaning of events. A container's last events may be the only remaining source of its names. Podman calls the
 * removal `remove`, and filters by its own name for the event `die`.
 */
const EVENTS: Readonly<Record<string, EngineEvent['kind']>> = {
  create: 'created',
  start: 'started',
  rename: 'changed',
  update: 'changed',
  health_status: 'checked',
  die: 'ended',
  died: 'ended',
  destroy: 'removed',
  remove: 'removed',
};

const FILTERS = { type: ['container'], event: Object.keys(EVENTS) };

/**
 * The states of containers that have ended and are kept, or could not be started. Docker lists one that waits to be started again with the
 * running ones, too.
 */
const ENDED = { status: ['exited', 'dead', 'restarting', 'created'] };

/** Turns an answer into what dockerode returns. */
type Read = (answer: HttpAnswer) => Promise<unknown>;

/** Adds to an event what it does not say itself. */
type Refine = (event: DockerEvent, signal: AbortSignal) => Promise<DockerEvent>;

/** An engine with Docker's API. Sends GET requests only. */
export async function connectToDocker(
  address: DockerAddress,
  onLimit: OnLimit,
  { labels = [], refine }: { readonly labels?: readonly ContainerLabel[]; readonly refine?: Refine } = {},
): Promise<EngineClient> {
  const selections = dockerSelections(labels);
  // Loaded only if an engine exists: dockerode takes 7 MB of memory.
  const Dockerode = loadDockerode();
  const docker = (signal: AbortSignal, read: Read): Docker =>
    // dockerode's types lack this option, which replaces docker-modem.
    new Dockerode({ modem: createTransport(address, { signal, read }) } as Docker.DockerOptions);
  const report = ({ leftOut }: { readonly leftOut: number }): void => {
    if (leftOut > 0) onLimit('value_size');
  };

  return {
    async ping(signal) {
      await docker(signal, (answer) => drain(answer, MAX_PING)).ping();
    },

    async list(signal) {
      let isComplete = true;
      let running: ReadonlySet<string> = new Set();
      const read: Read = async (answer) => {
        const list = await readList(answer, selections.list, MAX_LIST);
        report(list);
        isComplete = list.isComplete;
        running = runningIn(list.objects);
        return list.objects;
      };
      const containers = namedByList(await docker(signal, read).listContainers(), labels);
      if (!isComplete) onLimit('list_size');
      return { containers, running, isComplete };
    },

    async inspect(id, signal) {
      const read: Read = async (answer) => {
        const inspected = await readObject(answer, selections.inspect, MAX_INSPECT);
        report(inspected);
        return inspected.objects[0];
      };
      const answer: unknown = await docker(signal, read).getContainer(encodeURIComponent(id)).inspect();
      const found = namedByInspect(answer, labels);
      // Engines also accept names and prefixes of ids.
      if (found?.id !== id) throw new Error('The answer is about another container');
      return { ...found, life: lifeInInspect(answer) };
    },

    async ended(signal) {
      let isComplete = true;
      const read: Read = async (answer) => {
        const list = await readList(answer, selections.list, MAX_LIST);
        report(list);
        isComplete = list.isComplete;
        return list.objects;
      };
      const answer = await docker(signal, read).listContainers({ all: true, filters: ENDED });
      if (!isComplete) onLimit('list_size');
      return { engine: 'docker', containers: withoutUnstarted(answer, namedByList(answer, labels)), isComplete };
    },

    async events(since, signal) {
      const read: Read = async (answer) => readLines(answer, selections.event, MAX_EVENTS);
      // In seconds. 0 would mean that no past events are requested.
      const options = { since: Math.max(1, Math.floor(since / 1000)), filters: JSON.stringify(FILTERS) };
      // Engines send the response headers immediately.
      const lines: unknown = await docker(signal, read).getEvents(options);
      return eventsOf(lines as AsyncIterable<Line>, {
        report,
        labels,
        refine: refine && ((event) => refine(event, signal)),
      });
    },
  };
}

async function* eventsOf(
  lines: AsyncIterable<Line>,
  parts: {
    readonly report: (line: Line) => void;
    readonly labels: readonly ContainerLabel[];
    readonly refine: ((event: DockerEvent) => Promise<DockerEvent>) | undefined;
  },
): AsyncGenerator<EngineEvent> {
  const { report, labels, refine } = parts;
  for await (const line of lines) {
    report(line);
    const event = namedByEvent(line.object, labels);
    const kind = event === undefined ? undefined : EVENTS[event.action];
    if (event === undefined || kind === undefined) continue;
    const { id, names, at, exit, health } = refine === undefined ? event : await refine(event);
    yield { id, names, at, kind, health, exit: kind === 'ended' ? exit : undefined };
  }
}
