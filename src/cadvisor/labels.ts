import { dirname } from 'node:path/posix';
import type { CadvisorLabels } from '../config/options.ts';
import type { Container } from '../container.ts';
import { isKeptWhole, renderLabels } from '../exposition/render-labels.ts';
import type { SeriesLabels } from '../exposition/series-labels.ts';

/** How much of a cgroup path stays in front of the inode that makes it distinct. */
const PATH_BEFORE_INODE = 200;

/**
 * cAdvisor's labels. `docker`: `id`, `name`, `image` and `container_label_…` for the chosen labels. `kubelet`: `id`, `name`,
 * `image`, and `namespace`, `pod` and `container` in pods. Empty ones are omitted, which means the same.
 */
export function labelsIn(style: CadvisorLabels): SeriesLabels {
  const labelsOf = style === 'docker' ? labelsOfDocker : labelsOfKubelet;
  return {
    ofContainers: (containers) => new Map(containers.map((container) => [container, labelsOf(container)])),
    ofPod: (container, own) => (style === 'kubelet' && container.labels.pod !== '' ? labelsOfPod(container) : own),
  };
}

/** The label `id`: the path of the cgroup. Paths are distinct, but no longer so if they are cut or made printable. */
export function idOf({ cgroup: { path, inode } }: Container): string {
  return isKeptWhole(path) ? path : `${path.slice(0, PATH_BEFORE_INODE)}~${inode}`;
}

function labelsOfDocker(container: Container): string {
  const { names, cgroup } = container;
  const chosen = names.labels ?? {};
  return renderLabels(
    ['id', 'name', 'image', ...Object.keys(chosen).map((name) => `container_${name}`)],
    // Without an engine cAdvisor has the id as name, as for containers of containerd.
    [idOf(container), names.name ?? cgroup.match.id, names.image ?? '', ...Object.values(chosen)],
  );
}

function labelsOfKubelet(container: Container): string {
  const { names, cgroup, labels } = container;
  const inPod = labels.pod === '' ? ['', '', ''] : [labels.namespace, labels.pod, labels.container];
  return renderLabels(
    ['id', 'name', 'image', 'namespace', 'pod', 'container'],
    [idOf(container), cgroup.match.id, names.image ?? '', ...inPod],
  );
}

/** The network belongs to the pod. The kubelet has it without `container` too. */
function labelsOfPod({ cgroup, labels }: Container): string {
  return renderLabels(['id', 'namespace', 'pod'], [dirname(cgroup.path), labels.namespace, labels.pod]);
}
