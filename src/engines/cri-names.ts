import { field, type Named, named, text } from './engine-client.ts';

/** What is known of a pod's sandbox. */
export interface Sandbox extends Named {
  /** What its containers have of it. */
  readonly ofPod: { readonly namespace?: string; readonly pod?: string; readonly runtime?: string };
}

/** What `ListPodSandbox` says of each pod's sandbox: the pause, or the virtual machine. It is called as in cAdvisor. */
export function sandboxesOf(answer: unknown): Sandbox[] {
  return listOf(answer, 'items').flatMap((sandbox) => {
    const metadata = field(sandbox, 'metadata');
    const ofPod = {
      namespace: text(field(metadata, 'namespace')),
      pod: text(field(metadata, 'name')),
      runtime: text(field(sandbox, 'runtimeHandler')),
    };
    const found = named(field(sandbox, 'id'), { ...ofPod, containerInPod: 'POD', infra: true });
    return found === undefined ? [] : { ...found, ofPod: named(found.id, ofPod)?.names ?? {} };
  });
}

/** What `ListContainers` says of each container, and in which sandbox it is. */
export function containersOf(answer: unknown): (Named & { readonly sandbox: string | undefined })[] {
  return listOf(answer, 'containers').flatMap((container) => {
    const found = named(field(container, 'id'), {
      containerInPod: text(field(field(container, 'metadata'), 'name')),
      image: imageOf(field(container, 'image')),
    });
    return found === undefined ? [] : { ...found, sandbox: text(field(container, 'podSandboxId')) };
  });
}

/** The image by the name that `ContainerStatus` has for it. */
export function imageOfStatus(answer: unknown): string | undefined {
  return imageOf(field(field(answer, 'status'), 'image'));
}

/** A digest is none: the kubelet asks for images by it, and lists repeat that. */
function imageOf(spec: unknown): string | undefined {
  const image = text(field(spec, 'image'));
  return text(field(spec, 'userSpecifiedImage')) ?? (image?.startsWith('sha256:') ? undefined : image);
}

function listOf(answer: unknown, name: string): readonly unknown[] {
  const list = field(answer, name);
  return Array.isArray(list) ? list : [];
}
