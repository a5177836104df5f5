import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../kubernetes-schema.ts';
import { host } from '../lab/host.ts';
import { quote, succeed } from '../lab/machine.ts';
import { newerDebianProgram } from '../lab/newer-debian.ts';

const KUBERNETES = fileURLToPath(new URL('../../deploy/kubernetes', import.meta.url));

/** The objects that kustomize builds. @param path of the kustomization, such as `overlays/cri`. */
export async function kustomizeBuild(path: string): Promise<readonly KubernetesObject[]> {
  return objectsIn(await succeed(host, `${newerDebianProgram('kustomize')} build ${quote(`${KUBERNETES}/${path}`)}`));
}

/** The objects in a YAML stream. Documents with nothing but comments are left out. */
export function objectsIn(yaml: string): readonly KubernetesObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}
