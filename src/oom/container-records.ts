import type { ContainerCgroup } from '../container.ts';
import { createRecord, type ContainerRecord } from './container-record.ts';

/** The lives of containers that the ledger knows: each is of one that lives, or of one that is gone and still told of. */
export class ContainerRecords {
  readonly #living = new Map<ContainerCgroup, ContainerRecord>();
  readonly #gone = new Set<ContainerRecord>();
  /** The latest life at each path. */
  readonly #byPath = new Map<string, ContainerRecord>();

  get living(): Iterable<ContainerRecord> {
    return this.#living.values();
  }

  get gone(): Iterable<ContainerRecord> {
    return this.#gone;
  }

  /** Living and gone. */
  all(): ContainerRecord[] {
    return [...this.#living.values(), ...this.#gone];
  }

  of(cgroup: ContainerCgroup): ContainerRecord | undefined {
    return this.#living.get(cgroup);
  }

  /** The latest at exactly this path. */
  at(path: string): ContainerRecord | undefined {
    return this.#byPath.get(path);
  }

  /** Of the innermost container that a cgroup is, or is inside of. */
  innermostAt(cgroup: string): ContainerRecord | undefined {
    for (let path = cgroup; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
      const life = this.#byPath.get(path);
      if (life !== undefined) return life;
    }
    return undefined;
  }

  isGone(life: ContainerRecord): boolean {
    return this.#gone.has(life);
  }

  /** Begins the life of a container that is there. */
  begin(cgroup: ContainerCgroup): void {
    const { path, inode, match } = cgroup;
    this.#living.set(cgroup, this.#create({ path, inode, match, goneAt: undefined }));
  }

  /** Begins one that is over as far as anybody has seen. */
  addRemoved(facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'goneAt'>): ContainerRecord {
    const life = this.#create(facts);
    this.#gone.add(life);
    return life;
  }

  /** One that was gone is there. */
  resume(life: ContainerRecord, cgroup: ContainerCgroup): void {
    const { inode, match } = cgroup;
    this.#gone.delete(life);
    Object.assign(life, { inode, match, goneAt: undefined });
    this.#living.set(cgroup, life);
  }

  /** One that lives is gone. */
  end(cgroup: ContainerCgroup, goneAt: number): ContainerRecord | undefined {
    const life = this.#living.get(cgroup);
    if (life === undefined) return undefined;
    this.#living.delete(cgroup);
    life.goneAt = goneAt;
    this.#gone.add(life);
    return life;
  }

  /** Forgets one that is gone. The one around it keeps its kills. */
  forget(life: ContainerRecord): void {
    this.#gone.delete(life);
    if (this.#byPath.get(life.path) === life) this.#byPath.delete(life.path);
    if (life.outer === undefined) return;
    life.outer.inner.delete(life);
    life.outer.innerForgotten += life.kills;
  }

  #create(facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'goneAt'>): ContainerRecord {
    const outer = this.innermostAt(facts.path.slice(0, facts.path.lastIndexOf('/')));
    const life = createRecord({ ...facts, outer });
    this.#byPath.set(facts.path, life);
    return life;
  }
}
