import type { ContainerLabel } from '../config/container-labels.ts';
import type { Life, Names } from '../container.ts';
import { codeOf, exitOf } from './docker-life.ts';
import { chosenLabels } from './docker-names.ts';
import { field, type Named, named, text } from './engine-client.ts';

/** The names of a pod's sandbox. */
export interface Sandbox extends Named {
  /** The names that all containers of the pod share. */
  readonly ofPod: Pick<Names, 'namespace' | 'pod' | 'runtime' | 'labels' | 'matchedLabels'>;
}

/**
 * Names in the answer to `ListPodSandbox`: of the pause container or the virtual machine. Its container name is `POD`,
 * as in cAdvisor.
 */
export function sandboxesOf(answer: unknown, chosen: readonly ContainerLabel[] = []): Sandbox[] {
  return listOf(answer, 'items').flatMap((sandbox) => {
    const metadata = field(sandbox, 'metadata');
    const ofPod = {
      namespace: text(field(metadata, 'namespace')),
      pod: text(field(metadata, 'name')),
      runtime: text(field(sandbox, 'runtimeHandler')),
      ...chosenLabels(field(sandbox, 'labels'), chosen),
    };
    const found = named(field(sandbox, 'id'), { ...ofPod, containerInPod: 'POD', infra: true });
    return found === undefined ? [] : { ...found, ofPod: named(found.id, ofPod)?.names ?? {} };
  });
}

/** As in the enumeration `ContainerState`. */
const CONTAINER_RUNNING = 1;
export const CONTAINER_EXITED = 2;

/** A container in the answer to `ListContainers`. */
interface ListedByCri extends Named {
  readonly sandbox: string | undefined;
  readonly isRunning: boolean;
  readonly hasExited: boolean;
}

/** Names in the answer to `ListContainers`, the sandbox of each container, and whether it runs. */
export function containersOf(answer: unknown, chosen: readonly ContainerLabel[] = []): ListedByCri[] {
  return listOf(answer, 'containers').flatMap((container) => {
    const found = named(field(container, 'id'), {
      containerInPod: text(field(field(container, 'metadata'), 'name')),
      image: imageOf(field(container, 'image')),
      ...chosenLabels(field(container, 'labels'), chosen),
    });
    if (found === undefined) return [];
    const state = field(container, 'state');
    const [isRunning, hasExited] = [state === CONTAINER_RUNNING, state === CONTAINER_EXITED];
    return { ...found, sandbox: text(field(container, 'podSandboxId')), isRunning, hasExited };
  });
}

/** The name of the image in the answer to `ContainerStatus`. */
export function imageOfStatus(answer: unknown): string | undefined {
  return imageOf(field(field(answer, 'status'), 'image'));
}

/** containerd did not see the end, as after a reboot. It gives the exit code 255 then. CRI-O gives -1 and the reason `Error`. */
const UNSEEN = 'Unknown';

/**
 * The life of a container in the answer to `ContainerStatus`. containerd and CRI-O give the reason `OOMKilled`. The kubelet numbers
 * the attempts to run a container, so that the number is how often it restarted it. Fields that are 0 are absent in the message.
 */
export function lifeInStatus(answer: unknown): Life {
  const status = field(answer, 'status');
  const restarts = countOf(field(field(status, 'metadata'), 'attempt'));
  const finishedAt = countOf(field(status, 'finishedAt'));
  if (field(status, 'state') !== CONTAINER_EXITED) return { restarts };
  const reason = field(status, 'reason');
  const code = reason === UNSEEN ? undefined : codeOf(field(status, 'exitCode') ?? 0);
  const oomKilled = reason === 'OOMKilled' || (code === undefined ? undefined : false);
  return { restarts, exit: exitOf({ code, at: finishedAt > 0 ? finishedAt / 1e9 : undefined, oomKilled }) };
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}

/** The name of the runtime in the answer to `Version`, as in the label `engine`. */
export function runtimeOf(answer: unknown): string {
  return text(field(answer, 'runtimeName')) ?? 'cri';
}

/** An id of an image: containerd's has the prefix, CRI-O's has not. */
const IMAGE_ID = /^(?:sha256:|[0-9a-f]{64}$)/;

/** An id is not a name. The kubelet requests images by id, so lists contain ids. */
function imageOf(spec: unknown): string | undefined {
  const image = text(field(spec, 'image'));
  return text(field(spec, 'userSpecifiedImage')) ?? (image !== undefined && IMAGE_ID.test(image) ? undefined : image);
}

function listOf(answer: unknown, name: string): readonly unknown[] {
  const list = field(answer, name);
  return Array.isArray(list) ? list : [];
}
