import type { Names } from '../container.ts';

/** A container's log file, as the kubelet names it. */
export interface ContainerLog {
  readonly podUid: string;
  readonly names: Required<Pick<Names, 'namespace' | 'pod' | 'containerInPod'>>;
  /** The container's id; only its beginning if `isCut`. */
  readonly id: string;
  /** The kubelet has cut the id, because the file's name was too long. */
  readonly isCut: boolean;
}

/** The kubelet cuts the name of a link to this many characters, including `.log`. */
const LONGEST_LINK = 255;

/** The shortest beginning of an id that identifies a container in its pod. */
const FEWEST_DIGITS = 12;

/** The last three parts of a target; the kubelet may keep its logs elsewhere than in `/var/log/pods`. */
const TARGET = /(?:^|\/)([^/_]+)_([^/_]+)_([^/_]+)\/([^/]+)\/\d+\.log$/;

/** Names that Kubernetes accepts: RFC 1123 labels, and subdomains for pods. */
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** A static pod has the hash of its file instead of a UUID. */
const POD_UID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$/;
const ID = /^[0-9a-f]{64}$/;

/**
 * Parses a link in `/var/log/containers`: `POD_NAMESPACE_CONTAINER-ID.log`, which leads to `NAMESPACE_POD_UID/CONTAINER/N.log`:
 *
 *     etcd-n1_kube-system_etcd-5e1c…d0.log -> /var/log/pods/kube-system_etcd-n1_9f3a…71/etcd/2.log
 *     cart-0_shop_app-0a4f…1b.log -> /var/log/pods/shop_cart-0_6cf2e0c5-…-2d4b6a1f0c11/app/0.log
 *     cart-0_shop_init-77c0…e9.log -> /var/log/pods/shop_cart-0_6cf2e0c5-…-2d4b6a1f0c11/init/0.log
 *
 * Pause containers have none. `undefined` if a name is not valid in Kubernetes, or if link and target disagree.
 */
export function parseContainerLog(link: string, target: string): ContainerLog | undefined {
  const [, namespace = '', pod = '', podUid = '', container = ''] = TARGET.exec(target) ?? [];
  if (!LABEL.test(namespace) || !SUBDOMAIN.test(pod) || !LABEL.test(container) || !POD_UID.test(podUid)) {
    return undefined;
  }
  const start = `${pod}_${namespace}_${container}-`;
  if (!link.endsWith('.log') || link.length > LONGEST_LINK) return undefined;
  const name = link.slice(0, -'.log'.length);
  const names = { namespace, pod, containerInPod: container };
  const isCut = link.length === LONGEST_LINK;
  if (isCut && start.startsWith(name)) return { podUid, names, id: '', isCut };
  if (!name.startsWith(start)) return undefined;
  const id = name.slice(start.length);
  if (ID.test(id)) return { podUid, names, id, isCut: false };
  return isCut && /^[0-9a-f]{0,63}$/.test(id) ? { podUid, names, id, isCut } : undefined;
}

/** The names of containers and pods in the kubelet's log files. */
export class ContainerLogs {
  /** `undefined`: two files claim the same id. */
  readonly #byId = new Map<string, ContainerLog | undefined>();
  readonly #cut = new Map<string, ContainerLog[]>();
  /** `undefined`: files disagree about the pod. */
  readonly #pods = new Map<string, Names | undefined>();

  /** @param links names of links and their targets. Those that are not the kubelet's are ignored. */
  constructor(links: Iterable<readonly [link: string, target: string]>) {
    for (const [link, target] of links) {
      const log = parseContainerLog(link, target);
      if (log !== undefined) this.#add(log);
    }
  }

  /** How many containers have a complete id. */
  get size(): number {
    return this.#byId.size;
  }

  /** The names of a container in that pod. */
  namesOf(id: string, podUid: string): Names | undefined {
    const log = this.#byId.get(id);
    if (log !== undefined) return log.podUid === podUid ? log.names : undefined;
    const cut = this.#cut.get(podUid)?.filter((each) => id.startsWith(each.id)) ?? [];
    return cut.length === 1 ? cut[0]?.names : undefined;
  }

  /** The names of a pod. */
  podOf(podUid: string): Names | undefined {
    return this.#pods.get(podUid);
  }

  #add(log: ContainerLog): void {
    const { podUid, id, isCut } = log;
    const { namespace, pod } = log.names;
    const known = this.#pods.get(podUid);
    const agrees = known === undefined || (known.namespace === namespace && known.pod === pod);
    if (!this.#pods.has(podUid)) this.#pods.set(podUid, { namespace, pod });
    else if (!agrees) this.#pods.set(podUid, undefined);
    if (!isCut) this.#byId.set(id, this.#byId.has(id) ? undefined : log);
    else if (id.length >= FEWEST_DIGITS) this.#cut.set(podUid, [...(this.#cut.get(podUid) ?? []), log]);
  }
}
