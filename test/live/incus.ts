import { type Background, eventually, type Machine, succeed } from '../lab/machine.ts';

/** Debian has the daemon in no directory of `PATH`. */
export const INCUSD = '/usr/libexec/incus/incusd';

const SLEEP = '/bin/sleep 1000000';

/** Incus with containers, as its users have them: in a user namespace, one with limits, one in a project of its own. */
export class Incus implements AsyncDisposable {
  readonly #machine: Machine;
  readonly #daemon: Background;

  /** @param root a tar archive with the root file system of the containers. */
  static async start(machine: Machine, root: string): Promise<Incus> {
    const incus = new Incus(machine, await machine.start(`exec ${INCUSD} > /root/incusd.log 2>&1`));
    try {
      await eventually('incusd answers', () => incus.#script('incus info'), { timeoutMs: 600_000, everyMs: 2000 });
      await incus.#script(START(root));
      return incus;
    } catch (error) {
      const { stdout } = await machine.run('tail -n 20 /root/incusd.log');
      await incus[Symbol.asyncDispose]();
      throw new Error(`Incus did not start. Its log:\n${stdout}`, { cause: error });
    }
  }

  private constructor(machine: Machine, daemon: Background) {
    this.#machine = machine;
    this.#daemon = daemon;
  }

  /** The containers that run, by the names that their cgroups have: with the project, unless it is the default one. */
  async running(): Promise<readonly string[]> {
    const lines = await this.#script('incus list --all-projects --format csv --columns ens');
    return lines
      .split('\n')
      .map((line) => line.split(','))
      .filter(([, , state]) => state === 'RUNNING')
      .map(([project, name = '']) => (project === 'default' ? name : `${project}_${name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#machine.run(
      `for project in default lab; do incus stop --project $project --force --all; done
      ${INCUSD} shutdown --force --timeout 60`,
      { timeoutMs: 600_000 },
    );
    await this.#daemon.stop();
  }

  #script(text: string): Promise<string> {
    return succeed(this.#machine, `set -e\n${text}`, { timeoutMs: 1_200_000 });
  }
}

const START = (root: string): string => `
  mkdir -p /root/incus/rootfs/{proc,sys,dev,run,etc,sbin}
  cd /root/incus
  tar -C rootfs -xf ${root}
  printf 'architecture: x86_64\\ncreation_date: 1700000000\\n' > metadata.yaml
  tar -cf image.tar metadata.yaml rootfs
  incus image import image.tar --alias lab
  incus storage create lab dir
  incus profile device add default root disk path=/ pool=lab
  incus project create lab -c features.images=false -c features.profiles=false
  launch() { incus launch lab "$@" -c raw.lxc='lxc.init.cmd=${SLEEP}' < /dev/null; }
  launch incus-plain
  launch incus-limited -c limits.memory=64MiB -c limits.cpu.allowance=50ms/100ms -c limits.processes=50
  launch incus-project --project lab`;
