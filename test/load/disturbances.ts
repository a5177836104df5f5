import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import bcrypt from 'bcryptjs';
import { type Docker, LAB_IMAGE } from '../lab/docker.ts';
import type { LoadContainer, LoadContainers } from './load-containers.ts';

/** What happens beside the exporter, again and again. */
export interface Disturbance {
  readonly name: string;
  readonly everyMs: number;
  /** @throws Error for something that must not be. */
  once(): Promise<void> | void;
}

/** Runs disturbances until they are stopped. What they throw is noted, and they go on. */
export class Disturbances {
  readonly problems: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #running: readonly Promise<void>[];

  constructor(disturbances: readonly Disturbance[]) {
    this.#running = disturbances.map((each) => this.#run(each));
  }

  /** How often each has happened. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Resolves once the last of them is over. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #run({ name, everyMs, once }: Disturbance): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await once();
      } catch (error) {
        this.problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** A container is removed, and another one started. */
export function churn(containers: LoadContainers, everyMs: number): Disturbance {
  return {
    name: 'containers replaced',
    everyMs,
    async once() {
      const oldest = anyOf(containers);
      if (oldest !== undefined) await containers.remove(oldest);
      containers.start();
    },
  };
}

/** A process comes and goes in a container, as by `docker exec`. */
export function execs(containers: LoadContainers, everyMs: number): Disturbance {
  return {
    name: 'processes executed',
    everyMs,
    once() {
      const container = anyOf(containers);
      if (container === undefined) return;
      const child = containers.exec(container, ['sleep', '1']);
      child.once('exit', () => container.processes.splice(container.processes.indexOf(child), 1));
    },
  };
}

const HUNGRY_BYTES = 8 * 2 ** 20;
/** No engine removes a container faster. */
const REMOVAL_MS = 100;
const GRACE_MS = 20_000;

/** Kills by the OOM killer, of a container's first process and of a child by turns. */
export class Kills implements Disturbance {
  readonly name = 'OOM kills';
  readonly everyMs: number;
  /** By the kernel's counters, before the containers were removed. */
  total = 0;
  readonly #containers: LoadContainers;
  readonly #found: (id: string) => Promise<number | undefined>;
  #nth = 0;

  /** @param found what the exporter counts for a container of this name. */
  constructor(containers: LoadContainers, everyMs: number, found: (id: string) => Promise<number | undefined>) {
    this.#containers = containers;
    this.everyMs = everyMs;
    this.#found = found;
    this.once = this.once.bind(this);
  }

  async once(): Promise<void> {
    const eat = 'tail /dev/zero';
    const command = ['sh', '-c', (this.#nth += 1) % 2 === 0 ? `exec ${eat}` : `${eat}; sleep 100000`];
    const container = this.#containers.start({ memoryBytes: HUNGRY_BYTES, command });
    try {
      const kills = await this.#untilKilled(container);
      this.total += kills;
      await sleep(REMOVAL_MS);
      await this.#containers.remove(container);
      const id = this.#containers.labelOf(container);
      let found: number | undefined;
      for (const deadline = performance.now() + GRACE_MS; performance.now() < deadline; await sleep(1_000)) {
        if ((found = await this.#found(id)) === kills) return;
      }
      throw new Error(`${id} has ${found} kills, and the kernel says ${kills}`);
    } finally {
      await this.#containers.remove(container);
    }
  }

  async #untilKilled(container: LoadContainer): Promise<number> {
    for (const deadline = performance.now() + GRACE_MS; performance.now() < deadline; await sleep(50)) {
      const kills = this.#containers.kills(container);
      if (kills > 0) return kills;
    }
    throw new Error('nobody was killed');
  }
}

/** The engine is restarted; its containers live on. */
export function engineRestarts(docker: Docker, everyMs: number): Disturbance {
  return {
    name: 'engine restarts',
    everyMs,
    async once() {
      await docker.kill('SIGTERM');
      await docker.up();
    },
  };
}

/** A container of the engine's is started, lives for a moment, and is removed. Nothing is wrong if the engine is just down. */
export function engineContainers(docker: Docker, everyMs: number): Disturbance {
  let nth = 0;
  const left = new Set<string>();
  return {
    name: 'containers of the engine',
    everyMs,
    async once() {
      const name = `passing-${(nth += 1)}`;
      left.add(name);
      try {
        await docker.run('--network', 'none', '--name', name, LAB_IMAGE);
        await sleep(3_000);
        // Also those that the engine was too busy with restarting to remove.
        const names = [...left];
        left.clear();
        for (const each of names) await docker.remove(each);
      } catch (error) {
        if (!/Cannot connect to the Docker daemon|EOF|No such container/.test(String(error))) throw error;
      }
    },
  };
}

/** The configuration files of an exporter, rewritten again and again. */
export class Reloads implements Disturbance {
  readonly name = 'configuration reloads';
  readonly everyMs: number;
  readonly flags: readonly string[];
  /** What is valid now, as `user:password`. */
  login = '';
  readonly #web: string;
  readonly #accept: string;
  #nth = 0;

  constructor(directory: string, everyMs: number) {
    this.everyMs = everyMs;
    this.#web = join(directory, 'web.yml');
    this.#accept = join(directory, 'accept.yml');
    this.flags = [`--web.config.file=${this.#web}`, `--findings.accept-file=${this.#accept}`];
    this.once = this.once.bind(this);
    this.once();
  }

  once(): void {
    this.#nth += 1;
    const password = `password ${this.#nth}`;
    replaceFile(this.#web, `basic_auth_users:\n  load: ${bcrypt.hashSync(password, 4)}\n`);
    replaceFile(
      this.#accept,
      `accept:\n  - { match: { engine: cri-o }, findings: [cpu_unlimited], reason: Turn ${this.#nth}. }\n`,
    );
    this.login = `load:${password}`;
  }
}

/** Nobody sees a half of it. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function anyOf(containers: LoadContainers): LoadContainer | undefined {
  return [...containers.live].filter(({ processes }) => processes.length > 0)[
    Math.floor(Math.random() * containers.live.size)
  ];
}
