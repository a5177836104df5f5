import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OWN_MIRROR } from './debian-release.ts';
import { host } from './host.ts';
import { eventually, quote, succeed } from './machine.ts';
import type { Background, Machine, Outcome } from './machine.ts';

/** A release of Debian that runs in a container. */
export type ContainerRelease = 'bookworm' | 'trixie';

/** Where cgroups without a controller can be: on a pure v2 host, and on a hybrid one. */
const CGROUP_TREES = '/sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd';

/** A minimal Debian with systemd as PID 1, whose files are a directory of the host. It has no network but its loopback. */
export class DebianContainer implements Machine, AsyncDisposable {
  readonly name: string;
  readonly slowness = 1;
  /** Its root directory on the host. */
  readonly root: string;
  readonly #directory: string;
  readonly #cgroup: string;
  #nspawn: Background | undefined;
  #init: string | undefined;

  /**
   * Bootstraps the release in a directory that does not exist yet. {@link boot} starts it.
   *
   * @throws Error if the mirror does not answer.
   */
  static async create(release: ContainerRelease, directory: string, packages: readonly string[]) {
    const container = new DebianContainer(release, directory);
    mkdirSync(directory);
    const include = ['systemd-sysv', 'dbus', 'ca-certificates', ...packages].join(',');
    await succeed(
      host,
      `set -e
      ${OWN_MIRROR}
      debootstrap --variant=minbase --include=${include} ${release} ${container.root} "$own" > ${directory}/log 2>&1 ||
        { tail -n 5 ${directory}/log >&2; exit 1; }
      # A name server for apt in a chroot.
      cp /etc/resolv.conf ${container.root}/etc/resolv.conf`,
      { timeoutMs: 600_000 },
    );
    return container;
  }

  private constructor(release: string, directory: string) {
    this.name = `the container of ${release}`;
    this.root = join(directory, 'root');
    this.#directory = directory;
    this.#cgroup = `lab-debian-${release}`;
  }

  /** Starts systemd, and waits until it has started its services. */
  async boot(): Promise<void> {
    const pid = `${this.#directory}/pid`;
    // bpf() is for IPAddressDeny. systemd-nspawn makes cgroups beside its own, and leaves them. Newer releases refuse to boot on cgroup v1.
    this.#nspawn = await host.start(
      `echo $$ > ${pid}
      for tree in ${CGROUP_TREES}; do
        [ -e $tree/cgroup.procs ] || continue
        mkdir -p $tree/${this.#cgroup}
        echo $$ > $tree/${this.#cgroup}/cgroup.procs
      done
      SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --boot --register=no --keep-unit --capability=all --private-network \\
        --system-call-filter=bpf --resolv-conf=off --link-journal=no --directory=${quote(this.root)} --console=pipe`,
    );
    const { output } = this.#nspawn;
    this.#init = await eventually(
      `${this.name} boots`,
      async () => {
        const [init = ''] = (await host.run(`pgrep --parent $(cat ${pid}) --exact systemd`)).stdout.split('\n');
        if (init === '') return undefined;
        const { stdout } = await this.#in(init, 'systemctl is-system-running');
        return /^(?:running|degraded)$/m.test(stdout) ? init : undefined;
      },
      { timeoutMs: 120_000, everyMs: 500 },
    ).catch(async (cause: unknown) => {
      throw new Error(`${this.name} does not boot: ${JSON.stringify(await output())}`, { cause });
    });
  }

  run(script: string, options: { readonly timeoutMs?: number } = {}): Promise<Outcome> {
    return this.#in(this.#running(), script, options);
  }

  start(script: string): Promise<Background> {
    return host.start(this.#enter(this.#running(), script));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nspawn?.stop();
    const cgroups = `for tree in ${CGROUP_TREES}; do
        [ ! -d $tree/${this.#cgroup} ] || find $tree/${this.#cgroup} -depth -type d -exec rmdir {} \\;
      done`;
    await host.run(cgroups);
    await rm(this.#directory, { recursive: true, force: true });
  }

  #running(): string {
    if (this.#init === undefined) throw new Error(`${this.name} is not booted`);
    return this.#init;
  }

  #in(init: string, script: string, options: { readonly timeoutMs?: number } = {}): Promise<Outcome> {
    return host.run(this.#enter(init, script), options);
  }

  #enter(init: string, script: string): string {
    const environment =
      'env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return `exec nsenter --target ${init} --mount --uts --ipc --net --pid --cgroup --root --wdns=/ ${environment} bash -c ${quote(script)}`;
  }
}
