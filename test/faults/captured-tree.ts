import { basename, join } from 'node:path';
import { isAtOrBelow, realFs, systemCalls } from './system-calls.ts';

const {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = realFs;

/** One container of a captured host. */
export interface CapturedContainer {
  readonly id: string;
  /** Its directories in all hierarchies, below the root of the tree. */
  readonly cgroups: readonly string[];
  /** Those of its processes in procfs. */
  readonly processes: readonly string[];
}

/** A copy of a captured host in a temporary folder, whose containers come and go. */
export class CapturedTree implements Disposable {
  readonly root: string;
  readonly containers: readonly CapturedContainer[];
  readonly #folder: string;
  #moves = 0;
  #undo: (() => void)[] = [];

  constructor(fixture: string, parent: string) {
    this.#folder = mkdtempSync(join(parent, 'isolation-exporter-faults-'));
    this.root = join(this.#folder, 'host');
    cpSync(fixture, this.root, { recursive: true, verbatimSymlinks: true });
    this.containers = findContainers(this.root);
  }

  /** The cgroups and processes of a container are gone, as after its end. */
  remove(container: CapturedContainer): void {
    for (const path of pathsOf(container)) this.#putAside(path);
    this.#cutOff(pathsOf(container));
  }

  /** Its processes are gone, but not its cgroups. */
  endProcesses(container: CapturedContainer): void {
    for (const path of container.processes) this.#putAside(path);
    for (const path of container.cgroups) {
      this.#write(join(path, 'cgroup.procs'), '');
      if (existsSync(this.#at(`${path}/pids.current`))) this.#write(join(path, 'pids.current'), '0\n');
    }
    this.#cutOff(container.processes);
  }

  /** Its processes are gone, and their pids belong to those of another container. */
  reusePids(container: CapturedContainer, other: CapturedContainer): void {
    this.endProcesses(container);
    for (const path of container.processes) this.#copyProcess(other, path);
  }

  /** It is gone, and another container has its paths and pids. */
  replace(container: CapturedContainer, other: CapturedContainer): void {
    const lists = container.cgroups.map((path) => readFileSync(this.#at(`${path}/cgroup.procs`), 'utf8'));
    const memberships = container.processes.map((path) => readFileSync(this.#at(`${path}/cgroup`), 'utf8'));
    this.remove(container);
    for (const [index, path] of container.cgroups.entries()) {
      const from = other.cgroups[index] ?? '';
      this.#copy(from, path, (made) => {
        writeFileSync(`${made}/cgroup.procs`, lists[index] ?? '');
        withoutKills(made);
      });
    }
    for (const [index, path] of container.processes.entries()) {
      this.#copyProcess(other, path, (made) => writeFileSync(`${made}/cgroup`, memberships[index] ?? ''));
    }
  }

  /** Puts everything back. What was opened before stays as it is. */
  heal(): void {
    for (const undo of this.#undo.toReversed()) undo();
    this.#undo = [];
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #at(path: string): string {
    return this.root + path;
  }

  #putAside(path: string): void {
    this.#moves += 1;
    const aside = join(this.#folder, `${this.#moves}`);
    renameSync(this.#at(path), aside);
    this.#undo.push(() => {
      rmSync(this.#at(path), { recursive: true, force: true });
      renameSync(aside, this.#at(path));
    });
  }

  /** Puts the first process of a container at the path of another process. */
  #copyProcess(of: CapturedContainer, to: string, change: (made: string) => void = () => {}): void {
    const from = of.processes[0] ?? '';
    const [before, after] = [basename(from), basename(to)];
    this.#copy(from, to, (made) => {
      const stat = readFileSync(`${made}/stat`, 'utf8');
      writeFileSync(`${made}/stat`, stat.replace(before, after));
      const status = readFileSync(`${made}/status`, 'utf8');
      const ownPid = new RegExp(`^((?:NS)?(?:Tgid|Pid|pid|tgid):\\t)${before}\\b`, 'gm');
      writeFileSync(`${made}/status`, status.replaceAll(ownPid, `$1${after}`));
      this.#ownNamespaces(`${made}/ns`);
      change(made);
    });
  }

  /** A copy of a process is in no namespace of the original but the host's. */
  #ownNamespaces(links: string): void {
    for (const kind of readdirSync(links)) {
      const target = readlinkSync(`${links}/${kind}`);
      if (target === readlinkSync(`${this.root}/proc/2/ns/${kind}`)) continue;
      rmSync(`${links}/${kind}`);
      symlinkSync(
        target.replace(/\d+/, (inode) => `${Number(inode) + 5000}`),
        `${links}/${kind}`,
      );
    }
  }

  /** Not in place: a cgroup and a process appear as a whole. */
  #copy(from: string, to: string, change: (made: string) => void): void {
    this.#moves += 1;
    const made = join(this.#folder, `${this.#moves}`);
    cpSync(this.#at(from), made, { recursive: true, verbatimSymlinks: true });
    change(made);
    // After the end of a container nothing is at its place, or its own copy.
    rmSync(this.#at(to), { recursive: true, force: true });
    renameSync(made, this.#at(to));
    this.#undo.push(() => {
      rmSync(this.#at(to), { recursive: true, force: true });
      this.#cutOff([to]);
    });
  }

  #write(path: string, content: string): void {
    const before = readFileSync(this.#at(path), 'utf8');
    writeFileSync(this.#at(path), content);
    this.#undo.push(() => writeFileSync(this.#at(path), before));
  }

  #cutOff(paths: readonly string[]): void {
    systemCalls.cutOff(paths, (path) => (isAtOrBelow(path, '/proc') ? 'ESRCH' : 'ENODEV'));
  }
}

/** Kills of both containers would be added up, because they have the same labels. */
function withoutKills(cgroup: string): void {
  for (const name of ['memory.oom_control', 'memory.events']) {
    if (!existsSync(`${cgroup}/${name}`)) continue;
    const text = readFileSync(`${cgroup}/${name}`, 'utf8');
    writeFileSync(`${cgroup}/${name}`, text.replaceAll(/^(oom_kill|oom_group_kill) \d+/gm, '$1 0'));
  }
}

/** All that belongs to a container. */
export function pathsOf({ cgroups, processes }: CapturedContainer): readonly string[] {
  return [...cgroups, ...processes];
}

function findContainers(root: string): readonly CapturedContainer[] {
  const directories = readdirSync(`${root}/cgroup`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
  const idOf = (path: string) => /^(?:docker-)?([0-9a-f]{64})(?:\.scope)?$/.exec(basename(path))?.[1];
  const ids = new Set(directories.flatMap((path) => idOf(path) ?? []));
  return [...ids].toSorted().map((id) => {
    const cgroups = directories.filter((path) => idOf(path) === id).toSorted();
    const pids = new Set(
      cgroups.flatMap((path) => readFileSync(`${root}${path}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)),
    );
    return { id, cgroups, processes: [...pids].map((pid) => `/proc/${pid}`) };
  });
}
