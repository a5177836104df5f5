import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { absentAsUndefined } from '../../src/kernel/errno.ts';
import { DemoCgroups, type Limits, removeCgroups } from './cgroups.ts';

/** What a container is to be. */
export interface ContainerSpec {
  /** As the exporter is to call it. */
  readonly name: string;
  /** What its first process runs, for sh. The host's programs are there to read. */
  readonly command: string;
  readonly limits: Limits;
  /**
   * `default`: namespaces of its own, and Docker's capabilities; `host`: only a mount namespace of its own, and all of
   * root's capabilities; `hardened`: also a user namespace, no capabilities, no new privileges, nothing to write to.
   */
  readonly isolation: 'default' | 'host' | 'hardened';
}

/** A started process, and what it complained of. */
interface Started {
  readonly child: ChildProcess;
  said: string;
}

/** What the cgroup and the directory of each maker are called, before its pid. */
const PREFIX = 'isolation-exporter-demo-';

/** LXC calls the cgroups of its containers so: no engine is needed to learn the name. */
const cgroupOf = (name: string): string => `lxc.payload.${name}`;

const DOCKERS_CAPABILITIES =
  '-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,' +
  '+mknod,+audit_write,+setfcap';

/** Where the ids of a user namespace begin outside of it, and how many there are. */
const OUTSIDE = { first: 100_000, count: 65_536 };
const USER_INSIDE = '1000';

const START_MS = 60_000;

const ENTER = fileURLToPath(new URL('enter.sh', import.meta.url));
const SECCOMP = fileURLToPath(new URL('seccomp.pl', import.meta.url));

/**
 * Containers made of namespaces and cgroups alone, by root on any Linux with bash and util-linux. They end with this
 * process, however it ends; disposing of them leaves nothing behind.
 */
export class ThrowawayContainers implements AsyncDisposable {
  readonly #cgroups: DemoCgroups;
  readonly #directory: string;
  readonly #started: Started[] = [];

  constructor() {
    this.#cgroups = new DemoCgroups(`/${PREFIX}${process.pid}`);
    this.#directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  }

  /** Starts a container, and answers with its first process's pid once that runs what it is to run. */
  async start(spec: ContainerSpec): Promise<number> {
    const { name, isolation } = spec;
    const root = join(this.#directory, name);
    mkdirSync(root);
    const devices = isolation === 'host' ? {} : { devices: 'usual' as const };
    const files = this.#cgroups.make(cgroupOf(name), { ...spec.limits, ...devices });
    const own = isolation === 'host' ? [] : ['--pid', '--fork', '--kill-child', '--net', '--ipc', '--uts'];
    const argv = ['--pdeathsig', 'KILL', '--', 'unshare', '--mount', '--propagation', 'private', ...own];
    const child = spawn('setpriv', [...argv, 'bash', ENTER], {
      // A Ctrl-C is for who made it.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        CGROUPS: files.join(' '),
        ROOT: root,
        NAME: isolation === 'host' ? '' : name,
        CAPABILITIES: { default: DOCKERS_CAPABILITIES, host: '', hardened: '-all' }[isolation],
        UNSHARE: { default: '--cgroup', host: '', hardened: '--cgroup --user --keep-caps' }[isolation],
        HARDENED: isolation === 'hardened' ? USER_INSIDE : '',
        SECCOMP: isolation === 'host' || !hasPerl() ? '' : SECCOMP,
        COMMAND: spec.command,
      },
    });
    const started: Started = { child, said: '' };
    this.#started.push(started);
    child.on('error', (error) => (started.said += error.message));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (started.said += text));
    return this.#untilRunning(spec, started);
  }

  /** Ends the containers and removes what was made for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#started) child.kill('SIGKILL');
    try {
      await this.#cgroups[Symbol.asyncDispose]();
    } finally {
      await Promise.all(this.#started.splice(0).map(({ child }) => ended(child)));
      // Their mounts were in namespaces that ended with them.
      rmSync(this.#directory, { recursive: true });
    }
  }

  async #untilRunning(spec: ContainerSpec, started: Started): Promise<number> {
    const deadline = performance.now() + START_MS;
    while (performance.now() < deadline) {
      if (hasEnded(started.child)) break;
      for (const pid of this.#cgroups.processesOf(cgroupOf(spec.name))) {
        if (spec.isolation === 'hardened') mapIds(pid);
        if (commandOf(pid) === `sh\0-c\0${spec.command}\0`) return pid;
      }
      await setTimeout(20);
    }
    throw new Error(`The container ${spec.name} did not start: ${started.said.trim() || 'it does not say why'}`);
  }
}

/** Removes what makers have left that were ended before they could. */
export async function removeRemains(): Promise<void> {
  for (const { root } of findCgroupLayout('/proc', '/sys/fs/cgroup').hierarchies) {
    for (const name of readdirSync(root)) {
      if (!name.startsWith(PREFIX) || isAlive(name.slice(PREFIX.length))) continue;
      const parent = join(root, name);
      const inside = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      await removeCgroups([...inside.map((entry) => join(parent, entry.name)), parent]);
    }
  }
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split('-')[0] : undefined;
    if (pid !== undefined && !isAlive(pid)) rmSync(join(tmpdir(), name), { recursive: true });
  }
}

function isAlive(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}

function hasPerl(): boolean {
  return spawnSync('perl', ['-e', '0']).status === 0;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function ended(child: ChildProcess): Promise<void> {
  // One that could not be started has no pid, and nothing to wait for.
  if (child.pid !== undefined && !hasEnded(child)) await once(child, 'exit');
}

/** Maps the ids of the user namespace that a process is waiting in, if it is and they are not. */
function mapIds(pid: number): void {
  const namespace = absentAsUndefined(() => readlinkSync(`/proc/${pid}/ns/user`));
  if (namespace === undefined || namespace === readlinkSync('/proc/self/ns/user')) return;
  if (textOf(`/proc/${pid}/uid_map`) !== '') return;
  for (const file of ['uid_map', 'gid_map']) {
    writeFileSync(`/proc/${pid}/${file}`, `0 ${OUTSIDE.first} ${OUTSIDE.count}\n`);
  }
}

function commandOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`);
}

/** Empty for a process that has ended. */
function textOf(path: string): string {
  return absentAsUndefined(() => readFileSync(path, 'utf8')) ?? '';
}
