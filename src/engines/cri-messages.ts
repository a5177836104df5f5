import type { IType, Reader, Root, Type } from 'protobufjs/light.js';

type Fields = Readonly<Record<string, readonly [type: string, number: number]>>;

/** The labels of pods and containers, read only if users have chosen some. Those of a pod are on its sandbox. */
const LABELS: Readonly<Record<string, Fields>> = {
  PodSandbox: { labels: ['map string', 5] },
  Container: { labels: ['map string', 8] },
};

/** The maximum number of entries in a list. No node runs that many. Each costs memory, however short it is in the message. */
const MAX_ENTRIES = 20_000;

/**
 * The part of the Container Runtime Interface that names need: package `runtime.v1`, `api.proto` of
 * kubernetes/cri-api. Other fields are skipped.
 */
const MESSAGES: Readonly<Record<string, Fields>> = {
  VersionRequest: { version: ['string', 1] },
  VersionResponse: { runtimeName: ['string', 2], runtimeVersion: ['string', 3] },

  PodSandboxMetadata: { name: ['string', 1], uid: ['string', 2], namespace: ['string', 3] },
  PodSandboxFilter: { id: ['string', 1] },
  ListPodSandboxRequest: { filter: ['PodSandboxFilter', 1] },
  PodSandbox: { id: ['string', 1], metadata: ['PodSandboxMetadata', 2], runtimeHandler: ['string', 7] },
  ListPodSandboxResponse: { items: ['repeated PodSandbox', 1] },

  ContainerMetadata: { name: ['string', 1], attempt: ['uint32', 2] },
  ImageSpec: { image: ['string', 1], userSpecifiedImage: ['string', 18] },
  ContainerStateValue: { state: ['int32', 1] },
  ContainerFilter: { id: ['string', 1], state: ['ContainerStateValue', 2] },
  ListContainersRequest: { filter: ['ContainerFilter', 1] },
  Container: {
    id: ['string', 1],
    podSandboxId: ['string', 2],
    metadata: ['ContainerMetadata', 3],
    image: ['ImageSpec', 4],
    state: ['int32', 6],
  },
  ListContainersResponse: { containers: ['repeated Container', 1] },

  ContainerStatusRequest: { containerId: ['string', 1] },
  ContainerStatus: {
    id: ['string', 1],
    metadata: ['ContainerMetadata', 2],
    state: ['int32', 3],
    finishedAt: ['int64', 6],
    exitCode: ['int32', 7],
    image: ['ImageSpec', 8],
    reason: ['string', 10],
  },
  ContainerStatusResponse: { status: ['ContainerStatus', 1] },
};

/** A method of the service. */
export interface CriMethod {
  /** The `:path` of HTTP/2. */
  readonly path: string;
  readonly request: Type;
  readonly response: Type;
  /**
   * Reads an answer to plain objects.
   *
   * @throws Error with {@link TOO_MANY_ENTRIES} for a longer list than any runtime has.
   */
  decode(bytes: Uint8Array): object;
}

/** A part of the error message for a list that is too long. grpc-js passes on only the message of an error. */
export const TOO_MANY_ENTRIES = `more than ${MAX_ENTRIES} entries`;

/** The methods that are called. None of them changes anything. */
export type CriMethodName = 'Version' | 'ListPodSandbox' | 'ListContainers' | 'ContainerStatus';

/**
 * Looks up a method of `runtime.v1.RuntimeService`.
 *
 * @param options.labels whether to read labels.
 */
export async function createCriMethods(options?: {
  readonly labels: boolean;
}): Promise<(name: CriMethodName) => CriMethod> {
  const messages = Object.entries(MESSAGES).map(([name, fields]): [string, Fields] => [
    name,
    options?.labels === true ? { ...fields, ...LABELS[name] } : fields,
  ]);
  const { default: protobuf } = await import('protobufjs/light.js');
  const root: Root = protobuf.Root.fromJSON({ nested: Object.fromEntries(messages.map(describe)) });
  return (name) => {
    const response = root.lookupType(`${name}Response`);
    return {
      path: `/runtime.v1.RuntimeService/${name}`,
      request: root.lookupType(`${name}Request`),
      response,
      decode(bytes) {
        refuseLongList(protobuf.Reader.create(bytes));
        return response.toObject(response.decode(bytes), { longs: Number });
      },
    };
  };
}

/** An entry of two bytes becomes an object of a hundred, so entries are counted before any object is created. */
function refuseLongList(reader: Reader): void {
  for (let entries = 0; reader.pos < reader.len; entries += 1) {
    if (entries === MAX_ENTRIES) throw new Error(`The answer has ${TOO_MANY_ENTRIES}`);
    reader.skipType(reader.uint32() & 7);
  }
}

function describe([name, fields]: readonly [string, Fields]): [string, IType] {
  const described = Object.entries(fields).map(([field, [type, id]]) => {
    if (type.startsWith('map ')) return [field, { keyType: 'string', type: type.slice('map '.length), id }];
    const plain = type.replace(/^repeated /, '');
    return [field, plain === type ? { type, id } : { rule: 'repeated', type: plain, id }];
  });
  return [name, { fields: Object.fromEntries(described) }];
}
