import type { Socket } from 'node:net';
import type { ChannelCredentials, Client, ServiceError } from '@grpc/grpc-js';
import { type CriMethod, type CriMethodName, createCriMethods, TOO_MANY_ENTRIES } from './cri-messages.ts';
import { UnsupportedApi } from './engine-client.ts';

/** In bytes. A list has less than 2 kB per container. The kubelet itself accepts at most 16 MiB. */
const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * Calls a method. The answer comes as plain objects; absent texts and numbers are left out.
 *
 * @throws UnsupportedApi if the service on the socket has no such interface.
 */
export type Ask = (name: CriMethodName, request: object, signal: AbortSignal) => Promise<unknown>;

/** A channel to a runtime; it connects at the first call. */
export interface CriChannel {
  readonly ask: Ask;
  close(): void;
}

/** Opens a channel to a Unix socket. `labels`: whether answers include labels. */
export async function openChannel(socketPath: string, options: { readonly labels: boolean }): Promise<CriChannel> {
  // grpc-js is a dependency of dockerode and takes 17 MiB of memory. It is loaded only if a runtime exists.
  const grpc = await import('@grpc/grpc-js');
  const method = await createCriMethods(options);
  const credentials = grpc.credentials.createInsecure();
  const connection = limitToOneConnection(credentials);
  const client = new grpc.Client(`unix:${socketPath}`, credentials, {
    'grpc.max_receive_message_length': MAX_ANSWER,
    'grpc.enable_retries': 0,
    // Connections only go to the socket, even if the environment has a proxy variable.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    // In ms. The caller decides when to try again.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  });
  return {
    async ask(name, request, signal) {
      try {
        return await call(client, method(name), request, signal);
      } catch (error) {
        if (isServiceError(error) && error.code === grpc.status.UNIMPLEMENTED) throw new UnsupportedApi(error.message);
        throw error;
      }
    },
    close() {
      client.close();
      connection.close();
    },
  };
}

/** Whether an answer was rejected as too long: too many bytes (by either side) or too many entries (by this side). */
export function isTooLong(error: unknown): boolean {
  return (
    isServiceError(error) && (error.details.includes('larger than max') || error.details.includes(TOO_MANY_ENTRIES))
  );
}

/**
 * Closes each connection when the next one begins. After a GOAWAY, grpc-js reconnects and expects the runtime to close
 * the old socket. A runtime that does not close it would cost a descriptor for each attempt.
 */
function limitToOneConnection(credentials: ChannelCredentials): { close(): void } {
  let current: Socket | undefined;
  // grpc-js exposes its sockets nowhere else.
  const createConnector = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...options) => {
    const connector = createConnector(...options);
    return {
      ...connector,
      connect(socket) {
        current?.destroy();
        current = socket;
        return connector.connect(socket);
      },
    };
  };
  return { close: () => current?.destroy() };
}

async function call(
  client: Client,
  { path, request, decode }: CriMethod,
  message: object,
  signal: AbortSignal,
): Promise<unknown> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const running = client.makeUnaryRequest(
      path,
      (it: object) => Buffer.from(request.encode(request.fromObject(it)).finish()),
      (bytes) => decode(bytes),
      message,
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
    signal.addEventListener('abort', () => running.cancel(), { once: true });
  });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error;
}
