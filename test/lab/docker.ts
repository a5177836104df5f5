import { readFileSync } from 'node:fs';
import { host } from './host.ts';
import { eventually, Hopeless, quote, succeed } from './machine.ts';
import type { Background, Machine } from './machine.ts';

/** The image that every lab container runs: busybox with a few applets, no registry involved. */
export const LAB_IMAGE = 'lab:1';

/** Options of a lab's Docker daemon. */
export interface DockerOptions {
  /** `cgroupfs` puts containers into `/docker/<id>`, `systemd` (as PID 1 only) into `/system.slice/docker-<id>.scope`. */
  readonly cgroupDriver?: 'cgroupfs' | 'systemd';
  /** More flags for dockerd, such as `--add-runtime`. */
  readonly flags?: readonly string[];
}

/**
 * Starts a separate Docker daemon with its own data, state, containerd, socket and image. It shares nothing with a
 * daemon that may already run on the machine. Resolves once it answers. Dispose of it when done.
 */
export async function startDocker(machine: Machine, options: DockerOptions = {}): Promise<Docker> {
  // Only the host can have remains of earlier runs. A guest starts empty.
  if (machine === host) await cleanUpOrphanedDaemons();
  const directory = await succeed(
    machine,
    // A daemon with remapped users needs access for others. The owner file distinguishes a directory in use from one that a crashed
    // run has left behind.
    `directory=$(mktemp -d /tmp/isolation-exporter-docker-XXXXXX) && chmod 711 "$directory" && echo ${process.pid} > "$directory/owner" && echo "$directory"`,
  );
  const docker = new Docker(machine, directory, options);
  try {
    await docker.up();
    await succeed(machine, IMPORT_IMAGE(directory, docker.client), { timeoutMs: 60_000 * machine.slowness });
  } catch (error) {
    await docker[Symbol.asyncDispose]();
    throw error;
  }
  return docker;
}

/** A Docker daemon with everything that belongs to it. */
export class Docker implements AsyncDisposable {
  readonly machine: Machine;
  /** The directory that holds all files of this daemon. */
  readonly directory: string;
  /** The path of the API's socket. */
  readonly socket: string;
  /** The client's command line up to the subcommand. */
  readonly client: string;
  readonly #options: DockerOptions;
  #daemon: Background | undefined;
  #networks = 0;

  /** Use {@link startDocker}. */
  constructor(machine: Machine, directory: string, options: DockerOptions) {
    this.machine = machine;
    this.directory = directory;
    this.socket = `${directory}/docker.sock`;
    this.#options = options;
    // The distribution's own client matches its daemon; a newer one in /usr/local may refuse to speak to it.
    this.client = `DOCKER_HOST=unix://${this.socket} DOCKER_CONFIG=${directory} $(test -x /usr/bin/docker && echo /usr/bin/docker || echo docker)`;
  }

  /** Runs the client and returns what it prints. */
  cli(...words: readonly string[]): Promise<string> {
    return succeed(this.machine, `${this.client} ${quote(...words)}`, { timeoutMs: 60_000 * this.machine.slowness });
  }

  /**
   * Runs a container in the background and returns its id (64 hex digits). `words` are the arguments of `docker run
   * -d`, including `--network none` or `--network host`, and {@link LAB_IMAGE}.
   */
  run(...words: readonly string[]): Promise<string> {
    return this.cli('run', '-d', ...words);
  }

  /**
   * Creates an isolated network. Its addresses come from the range for network tests (RFC 2544): the daemon's own
   * choice fails if the machine's routes or other networks use all of its ranges.
   */
  async createNetwork(name: string): Promise<void> {
    const nth = this.#networks++;
    const bridge = `ie-${this.directory.slice(-6)}-${nth}`;
    const options = ['--opt', `com.docker.network.bridge.name=${bridge}`, '--subnet', `198.18.${nth}.0/24`];
    await this.cli('network', 'create', '--internal', ...options, name);
  }

  /** Removes containers, running or not. */
  async remove(...ids: readonly string[]): Promise<void> {
    await this.cli('rm', '-f', ...ids);
  }

  /** The host's pid of a container's first process. */
  async pidOf(id: string): Promise<number> {
    return Number(await this.cli('inspect', '--format', '{{.State.Pid}}', id));
  }

  /** The path of a container's cgroup below the root of each hierarchy. */
  cgroupOf(id: string): string {
    return this.#options.cgroupDriver === 'systemd' ? `/system.slice/docker-${id}.scope` : `/docker/${id}`;
  }

  /** Signals the daemon only (SIGKILL, SIGSTOP, SIGCONT…): containers and their shims keep running. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await succeed(this.machine, `kill -${signal.slice(3)} "$(cat ${this.directory}/pid)"`);
  }

  /** Starts the daemon again on the same socket after a `kill`. It takes over running containers and does not restart them. */
  async up(): Promise<void> {
    const { machine, directory } = this;
    const driver = this.#options.cgroupDriver ?? 'cgroupfs';
    const script = `
      dead() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }
      # After a SIGKILL: dockerd's containerd dies with it, but a moment later, and a new dockerd would count on it.
      for pidfile in ${directory}/pid ${directory}/exec/containerd/containerd.pid; do
        if [ -e "$pidfile" ]; then
          until dead "$(cat "$pidfile")"; do sleep 0.1; done
          rm -f "$pidfile"
        fi
      done
      echo 'starting dockerd' >> ${directory}/log
      exec dockerd --bridge=none --iptables=false --ip-masq=false --live-restore \\
        --data-root ${directory}/data --exec-root ${directory}/exec --pidfile ${directory}/pid \\
        --host unix://${this.socket} --exec-opt native.cgroupdriver=${driver} ${quote(...(this.#options.flags ?? []))} \\
        >> ${directory}/log 2>&1`;
    this.#daemon = await machine.start(script);
    const answers = async (): Promise<true | undefined> => {
      const code = await this.#daemon?.exitCode();
      if (code === undefined) return this.#answers();
      if (!(await this.#containerdWasSlow())) throw new Hopeless(`dockerd ended with exit code ${code}`);
      this.#daemon = await machine.start(script);
      return undefined;
    };
    try {
      await eventually('dockerd answers', answers, {
        timeoutMs: 60_000 * machine.slowness,
        everyMs: 100 * machine.slowness,
      });
    } catch (error) {
      throw new Error(`dockerd did not come up. Its log:\n${await this.log()}`, { cause: error });
    }
  }

  /** The daemon's log so far. */
  async log(): Promise<string> {
    return (await this.machine.run(`tail -n 100 ${this.directory}/log`)).stdout;
  }

  /** Ends the daemon, its containers and shims, and removes everything they created. */
  async [Symbol.asyncDispose](): Promise<void> {
    await succeed(this.machine, `${CLEAN_UP}\nclean_up ${this.directory}`, {
      timeoutMs: 60_000 * this.machine.slowness,
    });
    await this.#daemon?.stop();
  }

  /** Waits with the daemon, which has its socket before it answers. The client would take its time from it on a slow machine. */
  async #answers(): Promise<true | undefined> {
    const ping = `curl -s --fail -m ${10 * this.machine.slowness} --unix-socket ${this.socket} http://docker/_ping`;
    return (await this.machine.run(ping)).stdout === 'OK' || undefined;
  }

  /**
   * dockerd gives up after 15 s, however slow the machine is. The next one finds the files of both in memory. The log since its start
   * says so, but not at its end: containerd goes on for a while.
   */
  async #containerdWasSlow(): Promise<boolean> {
    const { code } = await this.machine.run(
      `tac ${this.directory}/log | sed '/^starting dockerd$/q' | grep -q 'timeout waiting for containerd to start'`,
    );
    return code === 0;
  }
}

/** Defines the bash function `clean_up DIRECTORY`. */
const CLEAN_UP = readFileSync(new URL('./docker-clean-up.sh', import.meta.url), 'utf8');

/** Cleans up after a test process that was killed before it could do so. */
export async function cleanUpOrphanedDaemons(): Promise<void> {
  await succeed(host, CLEAN_UP_ORPHANS);
}

const CLEAN_UP_ORPHANS = `${CLEAN_UP}
for directory in /tmp/isolation-exporter-docker-*; do
  [ -e "$directory/owner" ] && ! kill -0 "$(cat "$directory/owner")" 2>/dev/null && clean_up "$directory"
done
true`;

const IMPORT_IMAGE = (directory: string, client: string) => `
  set -e
  mkdir -p ${directory}/image/bin ${directory}/image/tmp
  cp /bin/busybox ${directory}/image/bin/busybox
  for applet in sh sleep cat ls tail dd yes true echo printf kill id mkdir; do
    ln -s busybox ${directory}/image/bin/$applet
  done
  tar -C ${directory}/image -c . | ${client} import -c 'CMD ["/bin/sleep","1000000"]' - ${LAB_IMAGE}`;
