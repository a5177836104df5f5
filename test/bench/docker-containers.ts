import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { host } from '../lab/host.ts';

/** Wakes up once a second and starts no process: `read` is the shell's own. */
const TICK = 'busybox mkfifo /tmp/never && exec 3<>/tmp/never; while :; do read -t 1 -u 3 line; done';

/** Real containers of a Docker daemon of their own, confined as Docker does by default. */
export class DockerContainers {
  /** In the hierarchies. */
  readonly paths: readonly string[];
  readonly #docker: Docker;

  private constructor(docker: Docker, paths: readonly string[]) {
    this.#docker = docker;
    this.paths = paths;
  }

  static async start(count: number): Promise<DockerContainers> {
    const docker = await startDocker(host);
    try {
      const paths: string[] = [];
      while (paths.length < count)
        paths.push(docker.cgroupOf(await docker.run('--network', 'none', LAB_IMAGE, 'sh', '-c', TICK)));
      return new DockerContainers(docker, paths);
    } catch (error) {
      await docker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where the daemon answers, for `--docker.host`. */
  get engine(): string {
    return `unix://${this.#docker.socket}`;
  }

  /** Ends the daemon and its containers. */
  async remove(): Promise<void> {
    await this.#docker[Symbol.asyncDispose]();
  }
}
