import type { ContainerLabel } from '../config/container-labels.ts';
import { field, type Named, named, text } from './engine-client.ts';
import { LIFE_SELECTION, RESTART_POLICY_SELECTION } from './docker-life.ts';
import { labelsSelected, namesInLabels, plainName, selected } from './docker-names.ts';
import type { Selection } from './json-projection.ts';

/** The members read from each kind of answer. */
interface Selections {
  /** From each container in `GET /libpod/containers/json`. */
  readonly list: Selection;
  /** From `GET /libpod/containers/<id>/json`. */
  readonly inspect: Selection;
}

/** What to read of Podman's answers. */
export function podmanSelections(chosen: readonly ContainerLabel[]): Selections {
  const labels = labelsSelected(chosen);
  return {
    list: { ...selected('Id', 'Names', 'Image', 'IsInfra', 'Pod', 'PodName', 'State'), Labels: labels },
    inspect: {
      ...selected('Id', 'Name', 'ImageName', 'OCIRuntime', 'Pod', 'IsInfra', 'IsService'),
      ...LIFE_SELECTION,
      Config: { Labels: labels },
      HostConfig: RESTART_POLICY_SELECTION,
    },
  };
}

/** The members read from `GET /libpod/pods/<id>/json`. */
export const POD_SELECTION: Selection = selected('Name');

/** A container of Podman's. */
export interface PodmanNamed extends Named {
  /** The id of its pod, 64 hex digits. */
  readonly podId: string | undefined;
}

/**
 * Reads the answer of `GET /libpod/containers/json`: all names except the runtime. Docker's API of Podman has neither
 * pods nor infra containers:
 *
 *     [{"Id":"bb31…","Image":"localhost/lab:1","IsInfra":true,"Labels":null,"Names":["7ac7f0e846ba-infra"],
 *       "Pod":"7ac7…","PodName":"web",…},…]
 *
 * @throws SyntaxError if it is not a list.
 */
export function namedByPodmanList(answer: unknown, chosen: readonly ContainerLabel[]): PodmanNamed[] {
  if (!Array.isArray(answer)) throw new SyntaxError('The list of containers is not a list');
  return answer.flatMap((container) => {
    const names = field(container, 'Names');
    const found = named(field(container, 'Id'), {
      ...namesInLabels(field(container, 'Labels'), chosen),
      name: plainName(Array.isArray(names) ? names[0] : undefined),
      image: text(field(container, 'Image')),
      pod: text(field(container, 'PodName')),
      infra: field(container, 'IsInfra') === true ? true : undefined,
    });
    return found === undefined ? [] : { ...found, podId: text(field(container, 'Pod')) };
  });
}

/**
 * Reads the answer of `GET /libpod/containers/<id>/json`, which has the id of the pod but not its name. `IsService` is the
 * container that keeps the pods of `podman kube play` together. `undefined` without an id.
 */
export function namedByPodmanInspect(answer: unknown, chosen: readonly ContainerLabel[]): PodmanNamed | undefined {
  const isOwn = field(answer, 'IsInfra') === true || field(answer, 'IsService') === true;
  const found = named(field(answer, 'Id'), {
    ...namesInLabels(field(field(answer, 'Config'), 'Labels'), chosen),
    name: plainName(field(answer, 'Name')),
    image: text(field(answer, 'ImageName')),
    runtime: text(field(answer, 'OCIRuntime')),
    infra: isOwn ? true : undefined,
  });
  return found && { ...found, podId: text(field(answer, 'Pod')) };
}

/** The name of a pod in the answer of `GET /libpod/pods/<id>/json`. */
export function podName(answer: unknown): string | undefined {
  return text(field(answer, 'Name'));
}

/** Whether a container has the name that Podman gives the infra container of a pod, unless a user chooses another. */
export function isNamedAsInfra(name: string | undefined, podId: string): boolean {
  return name === `${podId.slice(0, 12)}-infra`;
}
