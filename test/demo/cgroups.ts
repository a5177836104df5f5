import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { findCgroupLayout, type Hierarchy } from '../../src/kernel/cgroup-layout.ts';
import { absentAsUndefined, errnoOf } from '../../src/kernel/errno.ts';
import { parseCgroupProcs } from '../../src/kernel/cgroup-procs.ts';

/** The limits of a container; absent means unlimited. */
export interface Limits {
  readonly memoryBytes?: number;
  /** In cores. */
  readonly cpus?: number;
  readonly pids?: number;
  /** Like engines: only the devices that every container has. On v2 this would need a BPF program. */
  readonly devices?: 'usual';
}

/** One period of the CPU quota, in µs. */
const PERIOD = 100_000;

/** null, zero, full, random and urandom. Nodes of other devices can be created but not opened. */
const USUAL_DEVICES = ['c 1:3 rwm', 'c 1:5 rwm', 'c 1:7 rwm', 'c 1:8 rwm', 'c 1:9 rwm', 'c *:* m', 'b *:* m'];

/** The controllers of the limits. On v2 they must be enabled for children. */
const CONTROLLERS = ['cpu', 'memory', 'pids', 'io'];

/**
 * A cgroup with cgroups for containers, in every hierarchy of the host: v1, v2 or both. It needs root. It removes what it created,
 * with all processes inside.
 */
export class DemoCgroups implements AsyncDisposable {
  /** Below the root of every hierarchy. */
  readonly path: string;
  readonly #hierarchies: readonly Hierarchy[];
  readonly #made: string[] = [];
  /** Controllers that were not enabled in the root before. */
  readonly #switchedOn: { readonly file: string; readonly names: readonly string[] }[] = [];

  constructor(path: string) {
    this.path = path;
    this.#hierarchies = findCgroupLayout('/proc', '/sys/fs/cgroup').hierarchies;
  }

  /** Creates the cgroup of one container. Returns the files that a process writes 0 to in order to join it. */
  make(name: string, limits: Limits): readonly string[] {
    return this.#hierarchies.map((hierarchy) => {
      const { root, version } = hierarchy;
      this.#switchOn(root, 'root');
      this.#mkdir(root, `${root}${this.path}`);
      this.#switchOn(`${root}${this.path}`, 'own');
      const directory = `${root}${this.path}/${name}`;
      this.#mkdir(`${root}${this.path}`, directory);
      for (const [file, value] of version === 1 ? limitsOfV1(limits) : limitsOfV2(limits)) {
        if (existsSync(`${directory}/${file}`)) writeFileSync(`${directory}/${file}`, value);
      }
      return `${directory}/cgroup.procs`;
    });
  }

  /** The processes in a container's own cgroup. */
  processesOf(name: string): readonly number[] {
    const [hierarchy] = this.#hierarchies;
    return hierarchy === undefined ? [] : pidsIn(`${hierarchy.root}${this.path}/${name}`);
  }

  /** Ends the processes in all created cgroups, and removes the cgroups. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = await removeCgroups(this.#made.splice(0).toReversed());
    for (const { file, names } of this.#switchedOn.splice(0)) {
      try {
        writeFileSync(file, names.map((name) => `-${name}`).join(' '));
      } catch (error) {
        // Another user has appeared meanwhile.
        if (errnoOf(error) !== 'EBUSY') throw error;
      }
    }
    if (left.length > 0) throw new Error(`Cannot remove the cgroups ${left.join(', ')}`);
  }

  #mkdir(parent: string, directory: string): void {
    if (existsSync(directory)) return;
    mkdirSync(directory);
    this.#made.push(directory);
    copyCpuset(parent, directory);
  }

  #switchOn(directory: string, whose: 'root' | 'own'): void {
    const file = `${directory}/cgroup.subtree_control`;
    if (!existsSync(file)) return;
    const [has, handedDown] = [wordsIn(`${directory}/cgroup.controllers`), wordsIn(file)];
    const names = CONTROLLERS.filter((name) => has.includes(name) && !handedDown.includes(name));
    if (names.length === 0) return;
    try {
      writeFileSync(file, names.map((name) => `+${name}`).join(' '));
    } catch (error) {
      // EBUSY: inside a container, its root cgroup has processes.
      throw new Error(`Cannot hand down ${names.join(', ')} by ${file}: ${errnoOf(error)}`, { cause: error });
    }
    if (whose === 'root') this.#switchedOn.push({ file, names });
  }
}

/** On v1 no process can join a cpuset before it has CPUs and memory nodes. */
export function copyCpuset(from: string, to: string): void {
  if (!existsSync(`${from}/cpuset.effective_cpus`)) return;
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    if (readFileSync(`${to}/${name}`, 'utf8').trim() !== '') continue;
    writeFileSync(`${to}/${name}`, readFileSync(`${from}/${name}`));
  }
}

/** Ends the processes in cgroups and removes the cgroups, children first. Returns those that still exist after 10 s. */
export async function removeCgroups(directories: readonly string[]): Promise<readonly string[]> {
  let left = directories;
  for (let attempt = 0; attempt < 200 && left.length > 0; attempt += 1) {
    for (const pid of left.flatMap(pidsIn)) endProcess(pid);
    left = left.filter((directory) => !isRemoved(directory));
    // The kernel takes a while to release the last process.
    if (left.length > 0) await setTimeout(50);
  }
  return left;
}

function limitsOfV1({ memoryBytes, cpus, pids, devices }: Limits): [string, string][] {
  return [
    ...(devices === undefined
      ? []
      : pairs('devices.deny', 'a', ...USUAL_DEVICES.flatMap((rule) => ['devices.allow', rule]))),
    ...(memoryBytes === undefined ? [] : memoryOfV1(String(memoryBytes))),
    ...(cpus === undefined ? [] : pairs('cpu.cfs_period_us', `${PERIOD}`, 'cpu.cfs_quota_us', `${cpus * PERIOD}`)),
    ...(pids === undefined ? [] : pairs('pids.max', `${pids}`)),
  ];
}

/** The second limits memory and swap together, and only exists with swap accounting. */
function memoryOfV1(bytes: string): [string, string][] {
  return pairs('memory.limit_in_bytes', bytes, 'memory.memsw.limit_in_bytes', bytes, 'memory.swappiness', '0');
}

function limitsOfV2({ memoryBytes, cpus, pids }: Limits): [string, string][] {
  return [
    ...(memoryBytes === undefined ? [] : pairs('memory.max', `${memoryBytes}`, 'memory.swap.max', '0')),
    ...(cpus === undefined ? [] : pairs('cpu.max', `${cpus * PERIOD} ${PERIOD}`)),
    ...(pids === undefined ? [] : pairs('pids.max', `${pids}`)),
  ];
}

function pairs(...words: readonly string[]): [string, string][] {
  return words.flatMap((word, index): [string, string][] => (index % 2 === 0 ? [[word, words[index + 1] ?? '']] : []));
}

function wordsIn(file: string): string[] {
  return readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);
}

function pidsIn(directory: string): number[] {
  const list = absentAsUndefined(() => readFileSync(`${directory}/cgroup.procs`));
  // Without the zeros, which a process has that ends at this moment: a signal to 0 goes to the own process group.
  return list === undefined ? [] : parseCgroupProcs(list);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return !existsSync(directory);
  }
}
