import { accessSync, constants } from 'node:fs';
import type { Client, ServiceError } from '@grpc/grpc-js';
import { errnoOf } from '../kernel/errno.ts';
import { containersOf, imageOfStatus, type Sandbox, sandboxesOf } from './cri-names.ts';
import { type CriMethodName, createCriMethods } from './cri-messages.ts';
import { type EnginePlace, type Named, UnsupportedApi } from './engine-client.ts';

/** In bytes. A list has less than 2 kB for a container; the kubelet itself takes no more than 16 MiB. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

/**
 * Where a runtime with the Container Runtime Interface of Kubernetes listens, which speaks gRPC: containerd, CRI-O. Names
 * never change there, and those of containers that have ended are kept for a while, so nothing is subscribed to.
 */
export function placeOfCri(socketPath: string): EnginePlace {
  // One for all attempts: grpc-js waits without an end for a runtime that accepts a connection and says nothing.
  let channel: Promise<Channel> | undefined;
  return {
    socketPath,
    async connect() {
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
        list: async (signal) => list(ask, signal),
        inspect: async (id, signal) => inspect(ask, id, signal),
      };
    },
    close() {
      void channel?.then(
        ({ client }) => client.close(),
        () => {},
      );
      channel = undefined;
    },
  };
}

interface Channel {
  readonly client: Client;
  readonly ask: Ask;
}

/** @throws UnsupportedApi by `ask`, if what answers has no such interface. */
async function openChannel(socketPath: string): Promise<Channel> {
  // It comes with dockerode, and is 17 MiB in memory: only where there is a runtime.
  const grpc = await import('@grpc/grpc-js');
  const method = await createCriMethods();
  const client = new grpc.Client(`unix:${socketPath}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': LONGEST_ANSWER,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    // In ms. When to try again is decided by who asks.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  });
  const ask: Ask = async (name, request, signal) => {
    try {
      return await call(client, method(name), request, signal);
    } catch (error) {
      if (isServiceError(error) && error.code === grpc.status.UNIMPLEMENTED) throw new UnsupportedApi(error.message);
      throw error;
    }
  };
  return { client, ask };
}

type Ask = (name: CriMethodName, request: object, signal: AbortSignal) => Promise<unknown>;

/** One call. What comes back is plain objects; texts and numbers that are not there are left out. */
async function call(
  client: Client,
  { path, request, response }: ReturnType<Awaited<ReturnType<typeof createCriMethods>>>,
  message: object,
  signal: AbortSignal,
): Promise<unknown> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const running = client.makeUnaryRequest(
      path,
      (it: object) => Buffer.from(request.encode(request.fromObject(it)).finish()),
      (bytes) => response.toObject(response.decode(bytes)),
      message,
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
    signal.addEventListener('abort', () => running.cancel(), { once: true });
  });
}

async function list(ask: Ask, signal: AbortSignal): Promise<Named[]> {
  const sandboxes = sandboxesOf(await ask('ListPodSandbox', {}, signal));
  const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  const containers = containersOf(await ask('ListContainers', {}, signal));
  return [...sandboxes, ...containers.map((container) => inPod(container, byId.get(container.sandbox ?? '')))];
}

async function inspect(ask: Ask, id: string, signal: AbortSignal): Promise<Named> {
  // The runtime also answers to the beginning of an id.
  const findSandbox = async (of: string): Promise<Sandbox | undefined> =>
    sandboxesOf(await ask('ListPodSandbox', { filter: { id: of } }, signal)).find((sandbox) => sandbox.id === of);
  const container = containersOf(await ask('ListContainers', { filter: { id } }, signal)).find((it) => it.id === id);
  if (container === undefined) {
    const sandbox = await findSandbox(id);
    if (sandbox === undefined) throw new Error('It is neither a container nor a sandbox');
    return sandbox;
  }
  const sandbox = await findSandbox(container.sandbox ?? '');
  if (sandbox === undefined) throw new Error('Its pod is not there');
  const image = imageOfStatus(await ask('ContainerStatus', { containerId: id }, signal));
  const { names } = inPod(container, sandbox);
  return { id, names: { ...names, ...(image !== undefined && { image }) } };
}

/** A container, with what its sandbox says of the pod. */
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

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error;
}
