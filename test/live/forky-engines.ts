import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { eventually, type Machine, succeed } from '../lab/machine.ts';

/** A container as its engine lists it. What the engine does not know is absent. */
export interface Listed {
  readonly engine: string;
  readonly container: string;
  readonly id: string;
  readonly image?: string;
  readonly runtime?: string;
}

/** The flags of a container without limits. */
export const PLAIN = '--network none';
/** The command of all containers, which Docker takes from the image. */
export const SLEEP = '/bin/sleep 1000000';

const LIMITED = `${PLAIN} -m 64m --cpus 0.5 --pids-limit 50`;

/** Runs a script that may take long under emulation. */
export function slowly(machine: Machine, script: string): Promise<string> {
  return succeed(machine, `set -e -o pipefail\n${script}`, { timeoutMs: 1_200_000 });
}

/** Makes the root file system of containers, in a tar archive, from the busybox of a machine. */
export const MAKE_ROOT = (archive: string): string => `
  root=$(mktemp -d)
  mkdir $root/bin $root/tmp
  cp /bin/busybox $root/bin/
  for applet in sh sleep tail true; do ln -s busybox $root/bin/$applet; done
  tar -C $root -cf ${archive} .`;

/** Asks Podman for what runs, as some user. */
export function listedByPodman(machine: Machine, as = ''): Promise<readonly Listed[]> {
  const inspect = `${as} podman inspect --format '{{.ID}} {{.Name}} {{.ImageName}} {{.OCIRuntime}}'`;
  return inspected(machine, 'podman', `${inspect} $(${as} podman ps --quiet --no-trunc)`);
}

async function inspected(machine: Machine, engine: string, script: string): Promise<readonly Listed[]> {
  const lines = (await slowly(machine, script)).split('\n');
  return lines
    .map((line) => line.split(' '))
    .map(([id = '', container = '', image = '', runtime = '']) => {
      return { engine, id, container: container.replace(/^\//, ''), image, runtime };
    });
}

/** Root's Docker and Podman with containers under runc and crun, with and without limits. They end with their guest. */
export class DockerAndPodman {
  readonly docker: Docker;
  /** The API of Podman. */
  readonly podmanSocket = '/run/podman-lab.sock';
  readonly #machine: Machine;

  static async start(machine: Machine): Promise<DockerAndPodman> {
    const flags = ['--add-runtime=crun=/usr/bin/crun', '--group=docker'];
    const engines = new DockerAndPodman(machine, await startDocker(machine, { cgroupDriver: 'systemd', flags }));
    await engines.#startContainers();
    return engines;
  }

  private constructor(machine: Machine, docker: Docker) {
    this.#machine = machine;
    this.docker = docker;
  }

  /** Both at once: the guest has two processors. */
  async #startContainers(): Promise<void> {
    await Promise.all([this.#startDockers(), this.#startPodmans()]);
  }

  async #startDockers(): Promise<void> {
    for (const flags of [
      `--runtime runc --name docker-plain ${PLAIN}`,
      `--runtime crun --name docker-limited ${LIMITED} --memory-swap 96m`,
    ])
      await slowly(this.#machine, `${this.docker.client} run -d ${flags} ${LAB_IMAGE}`);
  }

  async #startPodmans(): Promise<void> {
    await slowly(
      this.#machine,
      `${MAKE_ROOT('/root/lab.tar')}
      podman import -q /root/lab.tar lab:1
      podman run -d --name podman-plain ${PLAIN} lab:1 ${SLEEP}
      podman run -d --name podman-limited ${LIMITED} --memory-swap 64m lab:1 ${SLEEP}`,
    );
    await this.#machine.start(`exec podman system service --time 0 unix://${this.podmanSocket}`);
    const ready = `test -S ${this.podmanSocket} && chgrp docker ${this.podmanSocket} && chmod 660 ${this.podmanSocket}`;
    await eventually('Podman has its socket', () => succeed(this.#machine, ready), { timeoutMs: 600_000 });
  }

  /** The containers that run, as the engines list them. */
  async listed(): Promise<readonly Listed[]> {
    const { client } = this.docker;
    const inspect = `${client} inspect --format '{{.ID}} {{.Name}} {{.Config.Image}} {{.HostConfig.Runtime}}'`;
    const lists = await Promise.all([
      inspected(this.#machine, 'docker', `${inspect} $(${client} ps --quiet --no-trunc)`),
      listedByPodman(this.#machine),
    ]);
    return lists.flat();
  }
}
