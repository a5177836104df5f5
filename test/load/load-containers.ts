import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroupLayout, type Hierarchy } from '../../src/kernel/cgroup-layout.ts';
import { parseCgroupProcs } from '../../src/kernel/cgroup-procs.ts';
import { errnoOf } from '../../src/kernel/errno.ts';
import { copyCpuset } from '../demo/cgroups.ts';

/** A container: one cgroup in each hierarchy, and the processes that this process has started in it. */
export interface LoadContainer {
  readonly id: string;
  /** Below the root of each hierarchy. */
  readonly path: string;
  /** Cgroups inside, the outermost first. */
  readonly inside: readonly string[];
  readonly processes: ChildProcess[];
}

/** How a container begins. */
export interface LoadSpec {
  /** A limit of memory, in bytes; none if absent. */
  readonly memoryBytes?: number;
  /** Its first process; `sleep` unless told otherwise. */
  readonly command?: readonly string[];
}

/** The engine that the exporter names for a container, by its path. */
export type Engine = 'cri-o' | 'docker' | 'garden' | 'podman';

/** The cgroup around all containers, if the engine has one, and the name of each. */
const PATHS: Readonly<Record<Engine, { readonly parent?: string; readonly nameOf: (id: string) => string }>> = {
  'cri-o': { nameOf: (id) => `crio-${id}` },
  docker: { parent: '/docker', nameOf: (id) => id },
  garden: { parent: '/garden', nameOf: uuidOf },
  podman: { nameOf: (id) => `libpod-${id}` },
};

function uuidOf(id: string): string {
  return [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20, 32)].join('-');
}

/**
 * Containers without an engine, started and removed as fast as the kernel allows. Counters of the exporter are by engine: to compare
 * them, choose one that nobody else has on this machine.
 */
export class LoadContainers implements AsyncDisposable {
  static #nth = 0;
  readonly engine: Engine;
  /** Containers so far, in all. */
  started = 0;
  removed = 0;
  readonly live = new Set<LoadContainer>();
  readonly #hierarchies: readonly Hierarchy[];
  readonly #memory: Hierarchy;
  readonly #parents: readonly string[];
  readonly #depth: number;

  /** @param options.depth how many cgroups each container is below the root, and how many are inside it. */
  constructor({ engine = 'cri-o', depth = 1 }: { readonly engine?: Engine; readonly depth?: number } = {}) {
    this.engine = engine;
    this.#depth = depth;
    const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
    const memory = layout.hierarchyOf('memory');
    if (memory === undefined) throw new Error('The kernel has no memory controller');
    this.#hierarchies = layout.hierarchies;
    this.#memory = memory;
    const top = `/isolation-exporter-load-${process.pid}-${(LoadContainers.#nth += 1)}`;
    const between = Array.from({ length: depth - 1 }, (_, nth) => `/level${nth}`);
    const names = [top, ...between, PATHS[engine].parent ?? ''].filter((name) => name !== '');
    this.#parents = names.map((_, nth) => names.slice(0, nth + 1).join(''));
    for (const path of this.#parents) this.#make(path);
  }

  /** What the exporter calls a container: nobody gives it a name. */
  labelOf({ id }: LoadContainer): string {
    return this.engine === 'garden' ? uuidOf(id) : id.slice(0, 12);
  }

  /** How many processes of a container the OOM killer has killed, as the kernel counts them. */
  kills({ path }: LoadContainer): number {
    const { root, version } = this.#memory;
    const text = readFileSync(`${root}${path}/${version === 1 ? 'memory.oom_control' : 'memory.events'}`, 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1]);
  }

  /** Starts a container with one process. */
  start({ memoryBytes, command = ['sleep', '100000'] }: LoadSpec = {}): LoadContainer {
    const id = randomBytes(32).toString('hex');
    const path = `${this.#parents.at(-1)}/${PATHS[this.engine].nameOf(id)}`;
    const inside = Array.from({ length: this.#depth - 1 }, (_, nth) => path + '/inner'.repeat(nth + 1));
    for (const each of [path, ...inside]) this.#make(each);
    if (memoryBytes !== undefined) this.#limitMemory(path, memoryBytes);
    const container: LoadContainer = { id, path, inside, processes: [] };
    this.started += 1;
    this.live.add(container);
    this.exec(container, command);
    return container;
  }

  /** Starts another process in a container. It is in all of its cgroups before it runs its command. */
  exec({ path, inside, processes }: LoadContainer, command: readonly string[]): ChildProcess {
    // On v2, a cgroup with controllers below it holds no processes.
    const where = inside.at(-1) ?? path;
    const files = this.#hierarchies.map(({ root }) => `${root}${where}/cgroup.procs`);
    // The processes must not outlive this one, however it ends.
    const join = `for f in ${files.join(' ')}; do echo 0 > $f; done; exec "$@"`;
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sh', '-c', join, 'sh', ...command], {
      stdio: 'ignore',
    });
    child.on('error', () => {});
    processes.push(child);
    return child;
  }

  /** Ends the processes of a container and removes its cgroups. */
  async remove(container: LoadContainer): Promise<void> {
    if (!this.live.delete(container)) return;
    for (const child of container.processes) await end(child);
    for (const path of [...container.inside.toReversed(), container.path]) await this.#unmake(path);
    this.removed += 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const container of this.live) await this.remove(container);
    for (const path of this.#parents.toReversed()) await this.#unmake(path);
  }

  #make(path: string): void {
    for (const { root, version } of this.#hierarchies) {
      const parent = `${root}${path.slice(0, path.lastIndexOf('/'))}`;
      if (version === 2 && root === this.#memory.root) handDown(parent);
      mkdirSync(root + path);
      copyCpuset(parent, root + path);
    }
  }

  async #unmake(path: string): Promise<void> {
    for (const { root } of this.#hierarchies) await removeDirectory(root + path);
  }

  #limitMemory(path: string, bytes: number): void {
    const { root, version } = this.#memory;
    writeFileSync(`${root}${path}/${version === 1 ? 'memory.limit_in_bytes' : 'memory.max'}`, `${bytes}`);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function endPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** Ends what its processes have started, too. The kernel takes a moment to release the last one. */
async function removeDirectory(directory: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      if (errnoOf(error) !== 'EBUSY' || attempt > 1_000) throw error;
      for (const pid of parseCgroupProcs(readFileSync(`${directory}/cgroup.procs`))) endPid(pid);
      await sleep(5);
    }
  }
}

/** On v2, a cgroup has only the controllers that the one above hands down. */
function handDown(directory: string): void {
  const controllers = readFileSync(`${directory}/cgroup.controllers`, 'utf8').split(/\s+/).filter(Boolean);
  writeFileSync(`${directory}/cgroup.subtree_control`, controllers.map((name) => `+${name}`).join(' '));
}
