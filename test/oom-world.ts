import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KmsgDevice } from '../src/kernel/kmsg.ts';

/** A file system in memory: the model writes a lot of small files. */
const MEMORY = '/dev/shm';

/** The kernel reports at most this many kills in full in {@link REPORTS_EVERY_MS} (`oom_rs` in mm/oom_kill.c). */
const MOST_REPORTS = 10;
const REPORTS_EVERY_MS = 5_000;

/** A cgroup, with all that the kernel counts in it. */
interface Cgroup {
  readonly path: string;
  readonly isGroup: boolean;
  readonly processes: number[];
  /** `oom_kill`: its own kills, on v2 also those in cgroups below it. */
  kills: number;
  groupKills: number;
}

/**
 * A kernel: cgroups as plain files in a temporary directory, the log in memory. Containers are at `/docker/<id>`, and inside others at
 * `/docker/<id>/docker/<id>`. On cgroup v1 the kernel kills no groups.
 */
export class OomWorld implements Disposable {
  readonly version: 1 | 2;
  readonly root = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'isolation-exporter-model-'));
  /** In ms since boot. */
  now = 100_000;
  /** How long each record of the log takes to read, in ms. */
  recordCost = 0;
  /** Happens when the log is read next. */
  meanwhile: (() => void) | undefined;
  /** The kills that each container has had, by id. Includes those in containers inside. */
  readonly truth = new Map<string, number>();
  /** The ids of a container and those around it, by its id. */
  readonly around = new Map<string, readonly string[]>();
  hostKills = 0;
  /** The names that changed in watched directories, in this order. */
  readonly events: string[] = [];
  readonly #cgroups = new Map<string, Cgroup>();
  readonly #log: string[] = [];
  #pids = 1_000;
  #removed = 0;
  #reports = 0;
  #reportsSince = -Infinity;

  constructor(version: 1 | 2) {
    this.version = version;
    mkdirSync(join(this.root, 'proc/sys/kernel/random'), { recursive: true });
    this.#log.push(`6,0,${this.now * 1000},-;Linux version 6.1\n`);
    this.#create('/docker', false);
    this.events.length = 0;
    this.#writeTotal();
  }

  /** The containers that exist. */
  get containers(): string[] {
    return [...this.#cgroups.keys()].filter((path) => idOf(path) !== undefined);
  }

  /** Creates a container with some processes. */
  create(path: string, { isGroup = false, processes = 1 } = {}): void {
    if (this.#cgroups.has(path)) return;
    const parent = path.slice(0, path.lastIndexOf('/'));
    // A container can only be inside one that exists.
    if (!this.#cgroups.has(parent) && !this.#cgroups.has(parent.slice(0, parent.lastIndexOf('/')))) return;
    if (!this.#cgroups.has(parent)) this.#create(parent, false);
    const { processes: pids } = this.#create(path, isGroup && this.version === 2);
    for (let nth = 0; nth < processes; nth += 1) pids.push((this.#pids += 1));
    this.#write(path);
  }

  /** A process in a container makes another one. */
  fork(path: string): void {
    const processes = this.#cgroups.get(path)?.processes;
    if (processes === undefined || processes.length === 0) return;
    processes.push((this.#pids += 1));
    this.#write(path);
  }

  /** Removes a cgroup and those inside it. */
  remove(path: string): void {
    for (const inner of [...this.#cgroups.keys()].filter((each) => each.startsWith(`${path}/`)).toReversed())
      this.remove(inner);
    if (!this.#cgroups.delete(path)) return;
    this.#removed += 1;
    // Moved away instead of deleted, so that the file system does not use its inode again.
    mkdirSync(join(this.root, 'removed'), { recursive: true });
    renameSync(this.#directory(path), join(this.root, 'removed', String(this.#removed)));
    this.events.push(path);
  }

  /** The OOM killer kills a process, or all of a group. */
  kill(path: string): void {
    const cgroup = this.#cgroups.get(path);
    const victim = cgroup?.processes.at(-1);
    if (cgroup === undefined || victim === undefined) return;
    if (this.#mayReport()) this.#report(path, victim, cgroup.processes);
    this.#killed(path, victim);
    if (cgroup.isGroup) {
      this.#print(`Tasks in ${path} are going to be killed due to memory.oom.group set`);
      for (const pid of cgroup.processes) this.#killed(path, pid);
      this.#around(path, (each) => (each.groupKills += 1));
      cgroup.processes.length = 0;
    } else cgroup.processes.pop();
    this.#around(path, (each) => this.#write(each.path));
    this.#writeTotal();
  }

  /** The OOM killer kills a service that is no container. */
  killElsewhere(): void {
    const pid = (this.#pids += 1);
    const path = '/system.slice/a.service';
    if (this.#mayReport()) this.#report(path, pid, [pid]);
    this.#killed(path, pid);
    this.#writeTotal();
  }

  inodeOf(path: string): number | undefined {
    return this.#cgroups.has(path) ? statSync(this.#directory(path)).ino : undefined;
  }

  /** The kernel's log, from its first record. */
  openLog(): KmsgDevice {
    let next = 0;
    return {
      read: (into) => {
        const { meanwhile } = this;
        this.meanwhile = undefined;
        this.now += this.recordCost;
        const record = this.#log[next];
        if (record === undefined) {
          meanwhile?.();
          throw Object.assign(new Error('read'), { code: 'EAGAIN' });
        }
        next += 1;
        meanwhile?.();
        return into.write(record, 'latin1');
      },
      [Symbol.dispose]() {},
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #mayReport(): boolean {
    if (this.now - this.#reportsSince > REPORTS_EVERY_MS) {
      this.#reportsSince = this.now;
      this.#reports = 0;
    }
    this.#reports += 1;
    return this.#reports <= MOST_REPORTS;
  }

  #report(path: string, victim: number, processes: readonly number[]): void {
    this.#print('[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name');
    for (const pid of processes)
      this.#print(`[   ${pid}]     0  ${pid}     1090      781    53248        0             0 perl`);
    this.#print(
      `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${path},task_memcg=${path},task=perl,pid=${victim},uid=0`,
    );
  }

  #killed(path: string, pid: number): void {
    this.hostKills += 1;
    for (const id of idsIn(path)) this.truth.set(id, (this.truth.get(id) ?? 0) + 1);
    this.#around(path, (each) => {
      if (this.version === 2 || each.path === path) each.kills += 1;
    });
    this.#print(
      `Memory cgroup out of memory: Killed process ${pid} (perl) total-vm:18048kB, anon-rss:15872kB, file-rss:1296kB, shmem-rss:0kB, UID:0 pgtables:72kB oom_score_adj:0`,
    );
  }

  #print(text: string): void {
    this.#log.push(`6,${this.#log.length},${Math.round(this.now * 1000)},-;${text}\n`);
  }

  /** The cgroup and those around it. */
  #around(path: string, change: (cgroup: Cgroup) => void): void {
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      const cgroup = this.#cgroups.get(at);
      if (cgroup !== undefined) change(cgroup);
    }
  }

  #create(path: string, isGroup: boolean): Cgroup {
    const id = idOf(path);
    if (id !== undefined) this.around.set(id, idsIn(path));
    const cgroup = { path, isGroup, processes: [], kills: 0, groupKills: 0 };
    this.#cgroups.set(path, cgroup);
    mkdirSync(this.#directory(path), { recursive: true });
    if (this.version === 2) writeFileSync(join(this.#directory(path), 'memory.oom.group'), isGroup ? '1\n' : '0\n');
    this.#write(path);
    this.events.push(path);
    return cgroup;
  }

  #write(path: string): void {
    const cgroup = this.#cgroups.get(path);
    if (cgroup === undefined) return;
    const { kills, groupKills, processes } = cgroup;
    const [file, text] =
      this.version === 2
        ? ['memory.events', `oom_kill ${kills}\noom_group_kill ${groupKills}\n`]
        : ['memory.oom_control', `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`];
    writeFileSync(join(this.#directory(path), file), text);
    writeFileSync(join(this.#directory(path), 'cgroup.procs'), processes.map((pid) => `${pid}\n`).join(''));
  }

  #writeTotal(): void {
    writeFileSync(join(this.root, 'proc/vmstat'), `oom_kill ${this.hostKills}\n`);
  }

  #directory(path: string): string {
    return join(this.root, 'cgroup', path);
  }
}

/** The ids of the containers that a cgroup is, or is inside of, from the outside in. */
export function idsIn(path: string): string[] {
  return Array.from(path.matchAll(/\/docker\/(\w+)/g), ([, id = '']) => id);
}

/** The id of the container that is exactly at a path. */
export function idOf(path: string): string | undefined {
  return /\/docker\/(\w+)$/.exec(path)?.[1];
}
