import type { IType, Root, Type } from 'protobufjs/light.js';

type Fields = Readonly<Record<string, readonly [type: string, number: number]>>;

/**
 * The part of the Container Runtime Interface that names take: package `runtime.v1`, `api.proto` of
 * kubernetes/cri-api. Fields that are left out are skipped when they are met.
 */
const MESSAGES: Readonly<Record<string, Fields>> = {
  VersionRequest: { version: ['string', 1] },
  VersionResponse: { runtimeName: ['string', 2], runtimeVersion: ['string', 3] },

  PodSandboxMetadata: { name: ['string', 1], uid: ['string', 2], namespace: ['string', 3] },
  PodSandboxFilter: { id: ['string', 1] },
  ListPodSandboxRequest: { filter: ['PodSandboxFilter', 1] },
  PodSandbox: { id: ['string', 1], metadata: ['PodSandboxMetadata', 2], runtimeHandler: ['string', 7] },
  ListPodSandboxResponse: { items: ['repeated PodSandbox', 1] },

  ContainerMetadata: { name: ['string', 1] },
  ImageSpec: { image: ['string', 1], userSpecifiedImage: ['string', 18] },
  ContainerFilter: { id: ['string', 1] },
  ListContainersRequest: { filter: ['ContainerFilter', 1] },
  Container: {
    id: ['string', 1],
    podSandboxId: ['string', 2],
    metadata: ['ContainerMetadata', 3],
    image: ['ImageSpec', 4],
  },
  ListContainersResponse: { containers: ['repeated Container', 1] },

  ContainerStatusRequest: { containerId: ['string', 1] },
  ContainerStatus: { id: ['string', 1], image: ['ImageSpec', 8] },
  ContainerStatusResponse: { status: ['ContainerStatus', 1] },
};

/** A method of the service, and what it takes and gives. */
export interface CriMethod {
  /** As HTTP/2 has it. */
  readonly path: string;
  readonly request: Type;
  readonly response: Type;
}

/** The methods that are used. None of them changes anything. */
export type CriMethodName = 'Version' | 'ListPodSandbox' | 'ListContainers' | 'ContainerStatus';

/** Looks a method of `runtime.v1.RuntimeService` up. */
export async function createCriMethods(): Promise<(name: CriMethodName) => CriMethod> {
  const { default: protobuf } = await import('protobufjs/light.js');
  const root: Root = protobuf.Root.fromJSON({ nested: Object.fromEntries(Object.entries(MESSAGES).map(describe)) });
  return (name) => ({
    path: `/runtime.v1.RuntimeService/${name}`,
    request: root.lookupType(`${name}Request`),
    response: root.lookupType(`${name}Response`),
  });
}

function describe([name, fields]: readonly [string, Fields]): [string, IType] {
  const described = Object.entries(fields).map(([field, [type, id]]) => {
    const plain = type.replace(/^repeated /, '');
    return [field, plain === type ? { type, id } : { rule: 'repeated', type: plain, id }];
  });
  return [name, { fields: Object.fromEntries(described) }];
}
