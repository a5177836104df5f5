import type { Log } from '../log.ts';
import type { Directory } from './tree.ts';

/** How many containers others may create. 0: no limit. */
export interface MostContainers {
  /** Inside one container, at any depth. */
  readonly nested: number;
  /** In a part of the tree in which one unprivileged user creates the cgroups. */
  readonly perUser: number;
}

/** Why cgroups that look like containers are not containers. */
export type LimitName = 'nested' | 'user';

/** A place in which somebody other than the host's root creates cgroups, with any number and any names. */
interface Territory {
  readonly top: Directory;
  readonly limit: LimitName;
}

/**
 * Limits how many containers others can create: each costs as much as one of the host's own. Inside a container its processes
 * create cgroups. Outside, an unprivileged user creates them in directories that systemd has handed over.
 */
export class ContainerLimits {
  readonly #most: MostContainers;
  readonly #log: Pick<Log, 'warn'>;
  /** Cgroups that look like containers and are none, with the limit. */
  readonly #surplus = new Map<string, LimitName>();
  /** Cgroups that were surplus and are containers now. */
  readonly #promoted = new Set<string>();

  constructor(most: MostContainers, log: Pick<Log, 'warn'>) {
    this.#most = most;
    this.#log = log;
  }

  /** Counts a directory as a container. Returns `false` if there are too many: then it is surplus. */
  admit(directory: Directory): boolean {
    this.release(directory);
    const territories = territoriesOf(directory);
    const full = territories.find((territory) => this.#isFull(territory));
    if (full !== undefined) {
      this.#surplus.set(directory.path, full.limit);
      this.#logOnce(full);
      return false;
    }
    if (this.#surplus.delete(directory.path)) this.#promoted.add(directory.path);
    for (const { top } of territories) top.containersInside += 1;
    directory.countedIn = territories.map(({ top }) => top);
    return true;
  }

  /** Whether {@link admit} would not return `false`. */
  hasRoom(directory: Directory): boolean {
    return territoriesOf(directory).every((territory) => !this.#isFull(territory));
  }

  /** Whether a container is counted where it is: a directory above can turn out to be a container later. */
  isCounted(directory: Directory): boolean {
    const territories = territoriesOf(directory);
    const { countedIn } = directory;
    return territories.length === countedIn.length && territories.every(({ top }, index) => countedIn[index] === top);
  }

  /** Stops counting a directory. */
  release(directory: Directory): void {
    for (const top of directory.countedIn) top.containersInside -= 1;
    directory.countedIn = [];
  }

  /** A directory was removed. */
  removed(directory: Directory): void {
    this.release(directory);
    this.#surplus.delete(directory.path);
    this.#promoted.delete(directory.path);
  }

  /** Whether the cgroup at exactly this path looks like a container and is none. It is a part of the container around it. */
  isSurplus(path: string): boolean {
    return this.#surplus.has(path);
  }

  /** Whether the same is true, or was true earlier in its life. Its kills were counted for the container around it. */
  wasSurplus(path: string): boolean {
    return this.#surplus.has(path) || this.#promoted.has(path);
  }

  /** How many cgroups are surplus, by the limit. A limit that is switched off is absent. */
  surplus(): ReadonlyMap<LimitName, number> {
    const counts = new Map<LimitName, number>();
    if (this.#most.nested > 0) counts.set('nested', 0);
    if (this.#most.perUser > 0) counts.set('user', 0);
    for (const limit of this.#surplus.values()) counts.set(limit, (counts.get(limit) ?? 0) + 1);
    return counts;
  }

  #isFull({ top, limit }: Territory): boolean {
    const most = this.#mostIn(limit);
    return most > 0 && top.containersInside >= most;
  }

  #mostIn(limit: LimitName): number {
    return limit === 'nested' ? this.#most.nested : this.#most.perUser;
  }

  /** Once in the life of a directory, so that nobody can fill the log. */
  #logOnce({ top, limit }: Territory): void {
    if (top.isSurplusLogged) return;
    top.isSurplusLogged = true;
    const fields = { cgroup: top.path, limit: this.#mostIn(limit) };
    if (limit === 'nested') {
      const remedy = 'if they are containers, raise --discovery.max-nested';
      this.#log.warn({ ...fields, remedy }, 'too many containers inside a container; the rest counts as part of it');
    } else {
      const remedy = 'if they are containers, raise --discovery.max-per-user';
      this.#log.warn({ ...fields, uid: top.uid, remedy }, 'too many containers of a user; the rest is not exported');
    }
  }
}

/** The places that a directory is in: the outermost container around it, and around that a directory of an unprivileged user. */
export function territoriesOf(directory: Directory): Territory[] {
  let container: Directory | undefined;
  const above: Directory[] = [];
  for (let { parent } = directory; parent !== undefined; { parent } = parent) {
    above.unshift(parent);
    if (parent.kind === 'container') container = parent;
  }
  const owner = above[0]?.uid;
  const outside = container === undefined ? above : above.slice(0, above.indexOf(container));
  const user = outside.find(({ uid }) => uid !== owner);
  const territories: Territory[] = [];
  if (container !== undefined) territories.push({ top: container, limit: 'nested' });
  if (user !== undefined) territories.push({ top: user, limit: 'user' });
  return territories;
}
