import type { ContainerLabel } from '../config/container-labels.ts';
import { accessSync, constants } from 'node:fs';
import { errnoOf } from '../kernel/errno.ts';
import { type Ask, type CriChannel, isTooLong, openChannel } from './cri-channel.ts';
import {
  CONTAINER_EXITED,
  containersOf,
  imageOfStatus,
  lifeInStatus,
  runtimeOf,
  type Sandbox,
  sandboxesOf,
} from './cri-names.ts';
import {
  type ContainerList,
  type EndedList,
  type EnginePlace,
  type Inspected,
  type Named,
  type OnLimit,
  UnsupportedApi,
} from './engine-client.ts';

/**
 * Where a runtime with the Container Runtime Interface of Kubernetes (gRPC) listens: containerd, CRI-O. A runtime never
 * changes names, and keeps those of ended containers for a while. A subscription to events is therefore unnecessary.
 */
export function placeOfCri(socketPath: string, labels: readonly ContainerLabel[] = []): EnginePlace {
  // All attempts share one channel: grpc-js waits for ever for a runtime that accepts a connection and stays silent.
  let channel: Promise<CriChannel> | undefined;
  return {
    socketPath,
    async connect(onLimit) {
      refuseIfClosed(socketPath);
      channel ??= openChannel(socketPath, { labels: labels.length > 0 });
      const { ask: call } = await channel.catch((error: unknown) => {
        channel = undefined;
        throw error;
      });
      const asking: Asking = { call, labels };
      return {
        async ping(signal) {
          await call('Version', {}, signal);
        },
        list: async (signal) => list(asking, signal, onLimit),
        inspect: async (id, signal) => inspect(asking, id, signal),
        ended: async (signal) => listEnded(asking, signal),
      };
    },
    close() {
      void channel?.then(
        (open) => open.close(),
        () => {},
      );
      channel = undefined;
    },
  };
}

/** How to ask, and which labels to read. */
interface Asking {
  readonly call: Ask;
  readonly labels: readonly ContainerLabel[];
}

async function list({ call, labels }: Asking, signal: AbortSignal, onLimit: OnLimit): Promise<ContainerList> {
  try {
    const sandboxes = sandboxesOf(await call('ListPodSandbox', {}, signal), labels);
    const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
    const found = containersOf(await call('ListContainers', {}, signal), labels);
    const containers = [...sandboxes, ...found.map((container) => inPod(container, byId.get(container.sandbox ?? '')))];
    const running = new Set(found.filter(({ isRunning }) => isRunning).map(({ id }) => id));
    return { containers, running, isComplete: true };
  } catch (error) {
    // A list that is too long gives no names, but each container can still be inspected.
    if (!isTooLong(error)) throw error;
    onLimit('list_size');
    return { containers: [], running: new Set(), isComplete: false };
  }
}

/**
 * The kubelet keeps the last attempt of each container.
 *
 * @throws Error if the list is too long: nothing of it can be read, which is not that there are none.
 */
async function listEnded({ call, labels }: Asking, signal: AbortSignal): Promise<EndedList> {
  const engine = runtimeOf(await call('Version', {}, signal));
  const sandboxes = sandboxesOf(await call('ListPodSandbox', {}, signal), labels);
  const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  const answer = await call('ListContainers', { filter: { state: { state: CONTAINER_EXITED } } }, signal);
  const found = containersOf(answer, labels).filter(({ hasExited }) => hasExited);
  return { engine, containers: found.map((each) => inPod(each, byId.get(each.sandbox ?? ''))), isComplete: true };
}

async function inspect({ call, labels }: Asking, id: string, signal: AbortSignal): Promise<Inspected> {
  // The runtime also accepts a prefix of an id.
  const findSandbox = async (of: string): Promise<Sandbox | undefined> =>
    sandboxesOf(await call('ListPodSandbox', { filter: { id: of } }, signal), labels).find(({ id: its }) => its === of);
  const containers = containersOf(await call('ListContainers', { filter: { id } }, signal), labels);
  const container = containers.find((it) => it.id === id);
  if (container === undefined) {
    const sandbox = await findSandbox(id);
    if (sandbox === undefined) throw new Error('The id belongs to neither a container nor a pod sandbox');
    return sandbox;
  }
  const sandbox = await findSandbox(container.sandbox ?? '');
  if (sandbox === undefined) throw new Error("The container's pod does not exist");
  const status = await call('ContainerStatus', { containerId: id }, signal);
  const image = imageOfStatus(status);
  const { names } = inPod(container, sandbox);
  return { id, names: { ...names, ...(image !== undefined && { image }) }, life: lifeInStatus(status) };
}

/** A container with the names and labels of its pod, which come from the pod's sandbox. Its own labels win. */
function inPod({ id, names }: Named, sandbox: Sandbox | undefined): Named {
  const { ofPod } = sandbox ?? {};
  const labels = { ...ofPod?.labels, ...names.labels };
  const matchedLabels = { ...ofPod?.matchedLabels, ...names.matchedLabels };
  return {
    id,
    names: {
      ...names,
      ...ofPod,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(matchedLabels).length > 0 && { matchedLabels }),
    },
  };
}

function refuseIfClosed(socketPath: string): void {
  try {
    accessSync(socketPath, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') throw new UnsupportedApi(`${JSON.stringify(socketPath)} is closed to this user`);
    throw error;
  }
}
