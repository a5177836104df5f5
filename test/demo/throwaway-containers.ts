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

/** The specification of a container. */
export interface ContainerSpec {
  /** Its name in the exporter. */
  readonly name: string;
  /** The shell script of its first process. The host's programs are available read-only. */
  readonly command: string;
  readonly limits: Limits;
  /**
   * `default`: its own namespaces and Docker's capabilities; `host`: only its own mount namespace, and all of root's capabilities;
   * `hardened`: also a user namespace, no capabilities, no new privileges, nothing writable.
   */
  readonly isolation: 'default' | 'host' | 'hardened';
}

/** A started process and its error output. */
interface Started {
  readonly child: ChildProcess;
  said: string;
}

/** The prefix of cgroup and directory names, followed by the pid of the process that created them. */
const PREFIX = 'isolation-exporter-demo-';

/** LXC's cgroup name, which includes the container's name, so that no engine is needed. */
const cgroupOf = (name: string): string => `lxc.payload.${name}`;

const DOCKERS_CAPABILITIES =
  '-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,' +
  '+mknod,+audit_write,+setfcap';

/** The first outside id of a user namespace, and the number of ids. */
const OUTSIDE = { first: 100_000, count: 65_536 };
const USER_INSIDE = '1000';

const START_MS = 60_000;

const ENTER = fileURLToPath(new URL('enter.sh', import.meta.url));
const SECCOMP = fileURLToPath(new URL('seccomp.pl', import.meta.url));

/**
 * Containers from namespaces and cgroups only, as root on any Linux with bash and util-linux. They end with this process, however
 * it ends; disposing removes everything.
 */
export class ThrowawayContainers implements AsyncDisposable {
  readonly #cgroups: DemoCgroups;
  readonly #directory: string;
  readonly #started: Started[] = [];

  constructor() {
    this.#cgroups = new DemoCgroups(`/${PREFIX}${process.pid}`);
    this.#directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  }

  /** Starts a container, and returns the pid of its first process once that runs its script. */
  async start(spec: ContainerSpec): Promise<number> {
    const { name, isolation } = spec;
    const root = join(this.#directory, name);
    mkdirSync(root);
    const devices = isolation === 'host' ? {} : { devices: 'usual' as const };
    const files = this.#cgroups.make(cgroupOf(name), { ...spec.limits, ...devices });
    const own = isolation === 'host' ? [] : ['--pid', '--fork', '--kill-child', '--net', '--ipc', '--uts'];
    const argv = ['--pdeathsig', 'KILL', '--', 'unshare', '--mount', '--propagation', 'private', ...own];
    const child = spawn('setpriv', [...argv, 'bash', ENTER], {
      // Ctrl-C only reaches the parent.
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

  /** Ends the containers and removes everything created for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#started) child.kill('SIGKILL');
    try {
      await this.#cgroups[Symbol.asyncDispose]();
    } finally {
      await Promise.all(this.#started.splice(0).map(({ child }) => ended(child)));
      // Their mounts ended with their namespaces.
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

/** Removes the remains of earlier processes that were killed before their clean-up. */
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
  // A process that could not be started has no pid.
  if (child.pid !== undefined && !hasEnded(child)) await once(child, 'exit');
}

/** Maps the ids of the user namespace in which a process waits, if they are not mapped yet. */
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
