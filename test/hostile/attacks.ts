import { spawn, spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { parseCgroupProcs } from '../../src/kernel/cgroup-procs.ts';
import type { ContainerSpec } from '../demo/throwaway-containers.ts';
import { quote } from '../lab/machine.ts';
import { StoppableMount } from '../lab/stoppable-mount.ts';

/** The parts that an attack works with. */
export interface Scene {
  /** The port of the exporter on loopback. */
  readonly port: number;
  /** An empty directory. */
  readonly directory: string;
  /** Starts the hostile container and returns the pid of its first process. */
  contain(spec: Pick<ContainerSpec, 'command' | 'isolation'> & Partial<ContainerSpec>): Promise<number>;
  /** The directories of the hostile container's cgroup, in all hierarchies. */
  readonly cgroups: readonly string[];
}

/** One way to attack the exporter. */
export interface Attack {
  readonly name: string;
  /** Takes so long that only `LAB=all` runs it in tests. */
  readonly long?: boolean;
  /** Whether it begins before the exporter, which gets these flags. */
  readonly engine?: (directory: string) => Promise<{ readonly flags: readonly string[] } & AsyncDisposable>;
  /** Begins, and resolves once it is in full swing. Disposing ends it. */
  begin(scene: Scene): Promise<AsyncDisposable>;
}

const NOTHING: AsyncDisposable = { async [Symbol.asyncDispose]() {} };

/** Runs below `sh`, which must stay: its command line shows that the container has started. */
const perl = (script: string): string => `perl -e ${quote(script)}; true`;

/** Within this time the exporter has walked all cgroups, and found those that no watch reports. */
const WALK_MS = 11_000;

/** The uid of an unprivileged user. */
const USER = 54_321;

const MOUNT = process.arch === 'arm64' ? 40 : 165;

export const ATTACKS: readonly Attack[] = [
  {
    name: '3,000 processes',
    begin: async ({ contain, cgroups }) => {
      await contain({
        command: perl(`for (1 .. 3000) { if (!fork) { sleep 1000 } } sleep 1000`),
        isolation: 'default',
      });
      await until(() => linesOf(`${cgroups[0]}/cgroup.procs`) >= 3_000);
      return NOTHING;
    },
  },
  {
    name: '3,000 threads',
    begin: async ({ contain, cgroups }) => {
      const wait = `for (let i = 0; i < 1000; i += 1) require('fs').open('/tmp/fifo', 'r', () => {})`;
      const one = `UV_THREADPOOL_SIZE=1000 node -e ${quote(wait)} &`;
      await contain({ command: `mkfifo /tmp/fifo; ${one.repeat(3)} wait; true`, isolation: 'default' });
      await until(() => linesOf(`${cgroups[0]}/tasks`, `${cgroups[0]}/cgroup.threads`) >= 3_000);
      return NOTHING;
    },
  },
  {
    name: '200 processes a second that live 10 ms',
    begin: async ({ contain }) => {
      const script = `$SIG{CHLD} = 'IGNORE'; while (1) { if (!fork) { select undef, undef, undef, 0.01; exit } select undef, undef, undef, 0.005 }`;
      await contain({ command: perl(script), isolation: 'default' });
      return NOTHING;
    },
  },
  {
    name: '300 processes that change their names to those of sandboxes, 20 times a second',
    begin: async ({ contain, cgroups }) => {
      const names = `my @n = qw(runsc-sandbox qemu-kvm firecracker conmon sh exe virtiofsd)`;
      const script = `${names}; for (1 .. 300) { last if !fork } while (1) { $0 = $n[rand @n]; select undef, undef, undef, 0.05 }`;
      await contain({ command: perl(script), isolation: 'default' });
      await until(() => linesOf(`${cgroups[0]}/cgroup.procs`) >= 300);
      return NOTHING;
    },
  },
  {
    name: '3,000 cgroups inside',
    long: true,
    begin: async (scene) => {
      await scene.contain({ command: 'sleep 1000; true', isolation: 'default' });
      return makeCgroups(
        scene,
        Array.from({ length: 3_000 }, (_, nth) => `x${nth}`),
      );
    },
  },
  {
    name: '200 cgroups inside that look like containers',
    begin: async (scene) => {
      await scene.contain({ command: 'sleep 1000; true', isolation: 'default' });
      const made = await makeCgroups(scene, lookAlikes(200));
      await sleep(WALK_MS);
      return made;
    },
  },
  {
    name: '1,000 cgroups inside that look like containers, with a process each',
    long: true,
    begin: async (scene) => {
      await scene.contain({ command: 'sleep 1000; true', isolation: 'default' });
      const made = await makeCgroups(scene, lookAlikes(1_000));
      const inside = lookAlikes(1_000).map((name) => join(ownCgroup(scene), name));
      const script = `for (@ARGV) { if (!fork) { open my $f, '>', "$_/cgroup.procs"; syswrite $f, $$; exec 'sleep', 1000 } } sleep 1000`;
      const processes = background('perl', '-e', script, ...inside);
      await until(() => inside.every((cgroup) => linesOf(`${cgroup}/cgroup.procs`) > 0));
      await sleep(WALK_MS);
      return {
        async [Symbol.asyncDispose]() {
          for (const cgroup of inside) killIn(cgroup);
          await processes[Symbol.asyncDispose]();
          await until(() => inside.every((cgroup) => linesOf(`${cgroup}/cgroup.procs`) === 0));
          await made[Symbol.asyncDispose]();
        },
      };
    },
  },
  {
    name: '1,000 cgroups of an unprivileged user that look like containers',
    long: true,
    begin: async () => {
      const { root } = findCgroupLayout('/proc', '/sys/fs/cgroup').discovery;
      const parent = join(root, `isolation-exporter-user-${process.pid}`);
      mkdirSync(parent);
      chownSync(parent, USER, USER);
      const paths = lookAlikes(1_000).map((name) => join(parent, name));
      const options = { uid: USER, gid: USER, stdio: 'inherit' } as const;
      spawnSync('perl', ['-e', 'mkdir or die "$_: $!" for @ARGV', ...paths], options);
      return {
        async [Symbol.asyncDispose]() {
          removeInside(parent);
          rmdirSync(parent);
        },
      };
    },
  },
  {
    name: '200 cgroups a second inside that look like containers, and come and go',
    begin: async ({ contain, cgroups }) => {
      await contain({ command: 'sleep 1000; true', isolation: 'default' });
      const script = `
        my $n = 0;
        while (1) {
          my $name = sprintf 'docker-%064x.scope', $n++;
          mkdir "$_/$name" for @ARGV;
          select undef, undef, undef, 0.005;
          rmdir "$_/$name" for @ARGV;
        }`;
      const churn = background('perl', '-e', script, ...cgroups);
      return {
        async [Symbol.asyncDispose]() {
          await churn[Symbol.asyncDispose]();
          for (const cgroup of cgroups) removeInside(cgroup);
        },
      };
    },
  },
  {
    name: 'cgroups inside that look like containers, made and removed as fast as possible',
    begin: async (scene) => {
      await scene.contain({ command: 'sleep 1000; true', isolation: 'default' });
      const script = `
        my $n = 0;
        while (1) {
          my $name = sprintf 'docker-%064x.scope', $n++;
          mkdir "$ARGV[0]/$name";
          rmdir "$ARGV[0]/$name";
        }`;
      const churn = background('perl', '-e', script, ownCgroup(scene));
      return {
        async [Symbol.asyncDispose]() {
          await churn[Symbol.asyncDispose]();
          removeInside(ownCgroup(scene));
        },
      };
    },
  },
  {
    name: 'files of its own cgroup, changed as fast as possible',
    begin: async (scene) => {
      await scene.contain({ command: 'sleep 1000; true', isolation: 'default' });
      const made = await makeCgroups(scene, ['x']);
      // In turn, as the kernel merges equal events.
      const script = 'my ($d) = @ARGV; while (1) { chmod 0644, "$d/$_" for qw(cgroup.procs tasks cgroup.threads) }';
      const changes = background('perl', '-e', script, ownCgroup(scene));
      return {
        async [Symbol.asyncDispose]() {
          await changes[Symbol.asyncDispose]();
          await made[Symbol.asyncDispose]();
        },
      };
    },
  },
  {
    name: '12,000 mounts',
    begin: async ({ contain }) => {
      const script = `
        my $type = 'ramfs';
        for (1 .. 12000) { my $at = "/tmp/$_"; mkdir $at; syscall(${MOUNT}, $type, $at, $type, 0, 0) == 0 or die $! }
        sleep 1000`;
      const pid = await contain({ command: perl(script), isolation: 'host' });
      await until(() => linesOf(`/proc/${pid}/mountinfo`) >= 12_000);
      return NOTHING;
    },
  },
  {
    name: "5,000 sockets in the host's network that are called like an engine's",
    begin: async ({ contain }) => {
      const script = `
        use Socket;
        for (1 .. 5000) {
          socket my $s, AF_UNIX, SOCK_STREAM, 0 or die $!;
          mkdir "/tmp/$_";
          bind $s, sockaddr_un("/tmp/$_/docker.sock") or die $!;
          listen $s, 1;
          push @s, $s;
        }
        sleep 1000`;
      const pid = await contain({ command: `ulimit -n 6000; ${perl(script)}`, isolation: 'host' });
      await until(() => linesOf(`/proc/${pid}/net/unix`) >= 5_000);
      return NOTHING;
    },
  },
  {
    name: 'OOM kills by the thousand a minute',
    begin: async ({ contain }) => {
      const script = `while (1) { if (!fork) { my @a; push @a, 'x' x 1e6 while 1 } wait; select undef, undef, undef, 0.03 }`;
      await contain({ command: perl(script), isolation: 'default', limits: { memoryBytes: 16 * 1024 * 1024 } });
      return NOTHING;
    },
  },
  {
    name: 'a program called like a sandbox, on a file system whose server does not answer',
    begin: async ({ contain, cgroups }) => {
      await contain({ command: 'sleep 1000; true', isolation: 'default' });
      const mount = await StoppableMount.start();
      copyFileSync('/bin/sleep', join(mount.source, 'qemu-system-x86_64'));
      const join_ = `for cgroup in ${quote(...cgroups)}; do echo $$ > $cgroup/cgroup.procs; done`;
      const stuck = background('bash', '-c', `${join_}; exec ${mount.path}/qemu-system-x86_64 1000`);
      await sleep(1_000);
      mount.stop();
      return {
        async [Symbol.asyncDispose]() {
          mount.resume();
          await stuck[Symbol.asyncDispose]();
          await mount[Symbol.asyncDispose]();
        },
      };
    },
  },
  {
    name: 'an engine whose list of containers never ends',
    engine: (directory) => engineThatFloods(join(directory, 'engine.sock')),
    begin: async () => NOTHING,
  },
  { name: '600 idle connections', begin: async ({ port }) => connections(port, 600, '') },
  {
    name: '100 clients that do not read /metrics',
    begin: async ({ port }) => connections(port, 100, 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20)),
  },
];

/** Names like those of Docker's cgroups. */
function lookAlikes(count: number): string[] {
  return Array.from({ length: count }, (_, nth) => `docker-${nth.toString(16).padStart(64, '0')}.scope`);
}

/** The directory of the hostile container's cgroup in the hierarchy in which containers are discovered. */
function ownCgroup({ cgroups }: Scene): string {
  const { root } = findCgroupLayout('/proc', '/sys/fs/cgroup').discovery;
  return cgroups.find((cgroup) => cgroup.startsWith(`${root}/`)) ?? '';
}

function killIn(cgroup: string): void {
  for (const pid of parseCgroupProcs(readFileSync(`${cgroup}/cgroup.procs`))) process.kill(pid, 'SIGKILL');
}

async function makeCgroups(scene: Scene, names: readonly string[]): Promise<AsyncDisposable> {
  const parent = ownCgroup(scene);
  for (const name of names) mkdirSync(join(parent, name));
  return {
    async [Symbol.asyncDispose]() {
      removeInside(parent);
    },
  };
}

/** Removes the empty cgroups inside one. */
function removeInside(cgroup: string): void {
  for (const entry of readdirSync(cgroup, { withFileTypes: true })) {
    if (entry.isDirectory()) rmdirSync(join(cgroup, entry.name));
  }
}

function background(command: string, ...words: readonly string[]): AsyncDisposable {
  const child = spawn(command, words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function engineThatFloods(path: string): Promise<{ readonly flags: readonly string[] } & AsyncDisposable> {
  const part = Buffer.from(`{"Id":"${'ab'.repeat(32)}","Labels":{"x":"${'y'.repeat(60_000)}"}},`);
  const server = createHttpServer((request, response) => {
    if (request.url?.includes('/containers/json') !== true) {
      response.end('{"ApiVersion":"1.43","Version":"24"}');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('[');
    const more = (): void => {
      while (!response.destroyed && response.write(part));
    };
    response.on('drain', more);
    more();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    flags: [`--docker.host=unix://${path}`],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function connections(port: number, count: number, request: string): Promise<AsyncDisposable> {
  const sockets: Socket[] = [];
  for (let nth = 0; nth < count; nth += 1) {
    const socket = connect(port, '127.0.0.1');
    // Closed by the exporter: what is expected.
    socket.on('error', () => {});
    if (request !== '') socket.write(request);
    socket.pause();
    sockets.push(socket);
  }
  await sleep(1_000);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The lines of the first of these files that is there. */
function linesOf(...paths: readonly string[]): number {
  for (const path of paths) {
    try {
      return readFileSync(path, 'utf8').split('\n').length - 1;
    } catch {
      // The other cgroup version has it.
    }
  }
  return 0;
}

async function until(isThere: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!isThere()) {
    if (performance.now() > deadline) throw new Error('The attack has not begun within 60 s');
    await sleep(100);
  }
}
