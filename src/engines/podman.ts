import type { ContainerLabel } from '../config/container-labels.ts';
import { connectToDocker } from './docker.ts';
import { type DockerEvent, runningIn, withoutUnstarted } from './docker-names.ts';
import { ask, type DockerAddress } from './docker-transport.ts';
import { lifeInInspect } from './docker-life.ts';
import type { ContainerList, EndedList, EngineClient, Inspected, OnLimit } from './engine-client.ts';
import { MAX_INSPECT, MAX_LIST } from './docker.ts';
import { type Projected, readList, readObject, WrongStatus } from './http-answer.ts';
import { inTime } from './in-time.ts';
import {
  isNamedAsInfra,
  namedByPodmanInspect,
  namedByPodmanList,
  POD_SELECTION,
  podmanSelections,
  podName,
} from './podman-names.ts';
import type { Selection } from './json-projection.ts';

/** Podman's own API. Podman 5 and 3 serve this version, too. */
const API = '/v4.0.0/libpod';

/** The maximum length of an answer about a pod, in bytes. A pod of a thousand containers has 200 kB. */
const MAX_POD = 4_000_000;

/** The states of containers that have ended and are kept, or could not be started. */
const ENDED = { status: ['exited', 'stopped', 'created'] };

/** How long an event waits for the name of its pod, in ms. */
const POD_OF_EVENT_MS = 2_000;

/** The maximum number of pods whose names are kept. */
const MOST_PODS = 10_000;

/**
 * Podman, by its own API: Docker's lacks pods, infra containers and runtimes. Where something allows only Docker's API, such as
 * a proxy before the socket, that is used. Sends GET requests only.
 */
export async function connectToPodman(
  address: DockerAddress,
  onLimit: OnLimit,
  { labels = [] }: { readonly labels?: readonly ContainerLabel[] } = {},
): Promise<EngineClient> {
  const selections = podmanSelections(labels);
  const pods = new Map<string, string | undefined>();
  let hasLibpod = true;

  const object = async (path: string, selection: Selection, most: number, signal: AbortSignal): Promise<unknown> => {
    const read = await ask(address, `${API}${path}`, {
      signal,
      read: (answer) => readObject(answer, selection, most),
    });
    if (read.leftOut > 0) onLimit('value_size');
    return read.objects[0];
  };
  const keepPod = (id: string, name: string | undefined): void => {
    if (pods.size >= MOST_PODS) pods.clear();
    pods.set(id, name);
  };
  /** @throws Error if Podman does not know the pod. */
  const nameOfPod = async (id: string, signal: AbortSignal): Promise<string | undefined> => {
    if (pods.get(id) === undefined) {
      const path = `/pods/${encodeURIComponent(id)}/json`;
      keepPod(id, podName(await object(path, POD_SELECTION, MAX_POD, signal)));
    }
    return pods.get(id);
  };
  /** The last events of a container that is gone may be the only source of its names. */
  const refine = async (event: DockerEvent, signal: AbortSignal): Promise<DockerEvent> => {
    const { podId, names } = event;
    if (podId === undefined || !hasLibpod) return event;
    if (!pods.has(podId)) {
      const limit = { ms: POD_OF_EVENT_MS, signal, what: 'pod' };
      await inTime((call) => nameOfPod(podId, call), limit).catch(() => keepPod(podId, undefined));
    }
    const pod = pods.get(podId);
    const isInfra = isNamedAsInfra(names.name, podId);
    return { ...event, names: { ...names, ...(pod !== undefined && { pod }), ...(isInfra && { infra: true }) } };
  };
  const docker = await connectToDocker(address, onLimit, { labels, refine });

  const listed = async (path: string, signal: AbortSignal): Promise<Projected> => {
    const read = await ask(address, `${API}${path}`, {
      signal,
      read: (answer) => readList(answer, selections.list, MAX_LIST),
    });
    if (read.leftOut > 0) onLimit('value_size');
    return read;
  };
  const list = async (signal: AbortSignal): Promise<ContainerList> => {
    const { objects, isComplete } = await listed('/containers/json', signal);
    if (!isComplete) onLimit('list_size');
    const containers = namedByPodmanList(objects, labels);
    for (const { podId, names } of containers) if (podId !== undefined) keepPod(podId, names.pod);
    return { containers, running: runningIn(objects), isComplete };
  };
  const ended = async (signal: AbortSignal): Promise<EndedList> => {
    const filters = encodeURIComponent(JSON.stringify(ENDED));
    const { objects, isComplete } = await listed(`/containers/json?all=true&filters=${filters}`, signal);
    if (!isComplete) onLimit('list_size');
    return { engine: 'podman', containers: withoutUnstarted(objects, namedByPodmanList(objects, labels)), isComplete };
  };
  const inspect = async (id: string, signal: AbortSignal): Promise<Inspected> => {
    const path = `/containers/${encodeURIComponent(id)}/json`;
    const answer = await object(path, selections.inspect, MAX_INSPECT, signal);
    const found = namedByPodmanInspect(answer, labels);
    if (found?.id !== id) throw new Error('The answer is about another container');
    const { names, podId } = found;
    const pod = podId === undefined ? undefined : await nameOfPod(podId, signal);
    return { id, names: { ...names, ...(pod !== undefined && { pod }) }, life: lifeInInspect(answer) };
  };

  return {
    ...docker,
    async list(signal) {
      if (!hasLibpod) return docker.list(signal);
      try {
        return await list(signal);
      } catch (error) {
        if (!(error instanceof WrongStatus) || error.status < 400 || error.status >= 500) throw error;
        hasLibpod = false;
        return docker.list(signal);
      }
    },
    ended: (signal) => (hasLibpod ? ended(signal) : docker.ended(signal)),
    inspect: (id, signal) => (hasLibpod ? inspect(id, signal) : docker.inspect(id, signal)),
  };
}
