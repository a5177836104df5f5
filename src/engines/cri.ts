import { accessSync, constants } from 'node:fs';
import { errnoOf } from '../kernel/errno.ts';
import { type Ask, type CriChannel, isTooLong, openChannel } from './cri-channel.ts';
import { containersOf, imageOfStatus, type Sandbox, sandboxesOf } from './cri-names.ts';
import { type ContainerList, type EnginePlace, type Named, type OnLimit, UnsupportedApi } from './engine-client.ts';

/**
 * Where a runtime with the Container Runtime Interface of Kubernetes (gRPC) listens: containerd, CRI-O. A runtime never
 * changes names, and keeps those of ended containers for a while. A subscription to events is therefore unnecessary.
 */
export function placeOfCri(socketPath: string): EnginePlace {
  // All attempts share one channel: grpc-js waits for ever for a runtime that accepts a connection and stays silent.
  let channel: Promise<CriChannel> | undefined;
  return {
    socketPath,
    async connect(onLimit) {
      refuseIfClosed(socketPath);
      channel ??= openChannel(socketPath);
      const { ask } = await channel.catch((error: unknown) => {
        channel = undefined;
        throw error;
      });
      return {
        async ping(signal) {
          await ask('Version', {}, signal);
        },
        list: async (signal) => list(ask, signal, onLimit),
        inspect: async (id, signal) => inspect(ask, id, signal),
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

async function list(ask: Ask, signal: AbortSignal, onLimit: OnLimit): Promise<ContainerList> {
  try {
    const sandboxes = sandboxesOf(await ask('ListPodSandbox', {}, signal));
    const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
    const found = containersOf(await ask('ListContainers', {}, signal));
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

async function inspect(ask: Ask, id: string, signal: AbortSignal): Promise<Named> {
  // The runtime also accepts a prefix of an id.
  const findSandbox = async (of: string): Promise<Sandbox | undefined> =>
    sandboxesOf(await ask('ListPodSandbox', { filter: { id: of } }, signal)).find((sandbox) => sandbox.id === of);
  const container = containersOf(await ask('ListContainers', { filter: { id } }, signal)).find((it) => it.id === id);
  if (container === undefined) {
    const sandbox = await findSandbox(id);
    if (sandbox === undefined) throw new Error('The id belongs to neither a container nor a pod sandbox');
    return sandbox;
  }
  const sandbox = await findSandbox(container.sandbox ?? '');
  if (sandbox === undefined) throw new Error("The container's pod does not exist");
  const image = imageOfStatus(await ask('ContainerStatus', { containerId: id }, signal));
  const { names } = inPod(container, sandbox);
  return { id, names: { ...names, ...(image !== undefined && { image }) } };
}

/** A container with the names of its pod, which come from the pod's sandbox. */
function inPod({ id, names }: Named, sandbox: Sandbox | undefined): Named {
  return { id, names: { ...names, ...sandbox?.ofPod } };
}

function refuseIfClosed(socketPath: string): void {
  try {
    accessSync(socketPath, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') throw new UnsupportedApi(`${JSON.stringify(socketPath)} is closed to this user`);
    throw error;
  }
}
