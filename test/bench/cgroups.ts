import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { CgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { copyCpuset } from '../demo/cgroups.ts';

/** Containers that are only cgroups `/docker/<id>` in every hierarchy, with one sleeping process each. */
export class Cgroups {
  readonly paths: string[] = [];
  readonly #roots: readonly string[];
  readonly #made: string[] = [];
  readonly #processes: ChildProcess[] = [];

  constructor(layout: CgroupLayout) {
    this.#roots = layout.hierarchies.map(({ root }) => root);
    for (const root of this.#roots) {
      if (!existsSync(`${root}/docker`)) this.#mkdir(`${root}/docker`);
      delegate(root);
      delegate(`${root}/docker`);
      copyCpuset(root, `${root}/docker`);
    }
  }

  /** Creates the cgroups of one container, without a process. */
  make(): string {
    const path = `/docker/${randomBytes(32).toString('hex')}`;
    for (const root of this.#roots) {
      this.#mkdir(root + path);
      copyCpuset(`${root}/docker`, root + path);
    }
    this.paths.push(path);
    return path;
  }

  /** Creates a container with a sleeping process. */
  start(): void {
    const path = this.make();
    const child = spawn('sleep', ['3600'], { stdio: 'ignore' });
    this.#processes.push(child);
    if (child.pid === undefined) throw new Error('Cannot start sleep');
    for (const root of this.#roots) writeFileSync(`${root}${path}/cgroup.procs`, String(child.pid));
  }

  /** Ends the processes and removes the cgroups. */
  async remove(): Promise<void> {
    for (const child of this.#processes) child.kill('SIGKILL');
    // The kernel takes a while to release the last process.
    for (let attempt = 0; this.#made.length > 0 && attempt < 100; attempt += 1) {
      const left = this.#made
        .splice(0)
        .toReversed()
        .filter((directory) => !removed(directory));
      this.#made.push(...left.toReversed());
      if (left.length > 0) await setTimeout(50);
    }
    this.#processes.length = 0;
    this.paths.length = 0;
    if (this.#made.length > 0) console.error(`Left behind: ${this.#made.length} cgroups, such as ${this.#made[0]}`);
  }

  #mkdir(directory: string): void {
    mkdirSync(directory);
    this.#made.push(directory);
  }
}

function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return !existsSync(directory);
  }
}

/** On v2, cgroups only have the controllers that their parent enables for them. */
function delegate(directory: string): void {
  if (!existsSync(`${directory}/cgroup.subtree_control`)) return;
  const controllers = readFileSync(`${directory}/cgroup.controllers`, 'utf8').split(/\s+/).filter(Boolean);
  if (controllers.length === 0) return;
  writeFileSync(`${directory}/cgroup.subtree_control`, controllers.map((name) => `+${name}`).join(' '));
}
