import { copyFileSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type Docker, LAB_IMAGE } from '../lab/docker.ts';
import { eventually, quote, succeed } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import type { StoppableMount } from '../lab/stoppable-mount.ts';

/** The places of a mount whose server does not answer, by container name. */
export const POSITIONS = [
  'program',
  'program-detached',
  'directory',
  'working-directory',
  'socket',
  'socket-directory',
  'root',
  'overlay',
] as const;

/** A shell that becomes a program on the mount, under the name of a virtual machine's monitor. */
const BECOME_VM = ['sh', '-c', 'exec -a sleep /fuse/qemu-system-x86_64 1000000'];

/** Containers that have the mount in different places, and one without it: `neighbour`. */
export class StalledContainers implements AsyncDisposable {
  readonly #docker: Docker;
  readonly #mount: StoppableMount;
  readonly #hidden: StoppableMount;
  /** The ids of containers without an engine. */
  readonly #byHand: string[] = [];
  #socket: Server | undefined;

  /**
   * @param hidden a mount that is later removed from the host and from a container, so that only a running program
   *   remains of it.
   */
  constructor(docker: Docker, { mount, hidden }: { readonly mount: StoppableMount; readonly hidden: StoppableMount }) {
    this.#docker = docker;
    this.#mount = mount;
    this.#hidden = hidden;
  }

  /** Starts all containers. Meanwhile the mount's server must answer. */
  async start(): Promise<void> {
    const { path, source } = this.#mount;
    mkdirSync(join(source, 'bin'));
    for (const at of [source, this.#hidden.source]) copyFileSync('/bin/busybox', join(at, 'qemu-system-x86_64'));
    copyFileSync('/bin/busybox', join(source, 'bin', 'busybox'));
    this.#socket = await listenAt(join(path, 'docker.sock'));
    const run = (name: string, flags: readonly string[], ...command: readonly string[]): Promise<string> =>
      this.#docker.run('--name', name, '--network', 'none', ...flags, LAB_IMAGE, ...command);
    const shown = ['-v', `${path}:/fuse`];
    await run('neighbour', ['--memory', '64m']);
    await run('program', shown, ...BECOME_VM);
    const detached = await run('program-detached', ['-v', `${this.#hidden.path}:/fuse`], ...BECOME_VM);
    await run('directory', shown);
    await run('working-directory', [...shown, '-w', '/fuse']);
    await run('socket', ['-v', `${path}/docker.sock:/run/docker.sock`]);
    await run('socket-directory', ['-v', `${path}:/run`]);
    const pid = await this.#docker.pidOf(detached);
    await eventually(
      'a process of the mount',
      async () => {
        const comm = await succeed(this.#docker.machine, `cat /proc/${pid}/comm`);
        return comm.startsWith('qemu') || undefined;
      },
      { timeoutMs: 10_000 },
    );
    await succeed(this.#docker.machine, `nsenter -t ${pid} -m /bin/busybox umount -l /fuse`);
    await this.#hidden.hideFromHost();
    await this.#startByHand('root', `root=${quote(path)}`);
    const layers = `mkdir -p /tmp/l && mount -t tmpfs t /tmp/l && mkdir /tmp/l/up /tmp/l/work /tmp/l/all`;
    const options = `lowerdir=${path},upperdir=/tmp/l/up,workdir=/tmp/l/work`;
    await this.#startByHand(
      'overlay',
      `${layers} && mount -t overlay o -o ${quote(options)} /tmp/l/all; root=/tmp/l/all`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const mount of [this.#mount, this.#hidden]) mount.resume();
    for (const id of this.#byHand) await removeCgroups(this.#docker.machine, id);
    await new Promise((resolve) => (this.#socket === undefined ? resolve(undefined) : this.#socket.close(resolve)));
  }

  /** Starts a container without an engine. The script sets its root directory. The exporter names it by its id. */
  async #startByHand(name: string, script: string): Promise<void> {
    const id = idOf(name);
    this.#byHand.push(id);
    const cgroups = await succeed(
      this.#docker.machine,
      `for directory in /sys/fs/cgroup /sys/fs/cgroup/*; do
        [ -e "$directory/docker/cgroup.procs" ] || continue
        mkdir "$directory/docker/${id}" && echo "$directory/docker/${id}"
      done`,
    );
    const paths = cgroups.split('\n').filter(Boolean);
    await succeed(
      this.#docker.machine,
      `for cgroup in ${quote(...paths)}; do echo $$ > "$cgroup/cgroup.procs" || true; done
       setsid unshare --mount --pid --fork --kill-child bash -c ${quote(`${script}; cd / && exec chroot "$root" /bin/busybox sleep 1000000`)} \\
         < /dev/null > /dev/null 2>&1 &
       disown`,
    );
    const [first = ''] = paths;
    await eventually(
      `${name} runs`,
      async () => {
        const { stdout } = await this.#docker.machine.run(
          `for pid in $(cat ${quote(first)}/cgroup.procs); do cat /proc/$pid/comm; done`,
        );
        return stdout.split('\n').includes('busybox') || undefined;
      },
      { timeoutMs: 20_000 },
    );
  }
}

/** The id of a container that no engine knows. */
export function idOf(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(64, '0');
}

/** The label `container` of each container, by the place of the mount. */
export function labelOf(name: string): string {
  return name === 'root' || name === 'overlay' ? idOf(name).slice(0, 12) : name;
}

function listenAt(path: string): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}
