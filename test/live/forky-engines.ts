import { type Docker, startDocker } from '../lab/docker.ts';
import { type Background, eventually, type Machine, succeed } from '../lab/machine.ts';
import { Incus } from './incus.ts';

/** A container as its engine lists it. What the engine does not know is absent. */
export interface Listed {
  readonly engine: string;
  readonly container: string;
  readonly id: string;
  readonly image?: string;
  readonly runtime?: string;
}

/** The flags of a container with limits, and without. The image has no shell; its name ends these command lines. */
const LIMITED = '--network none -m 64m --memory-swap 96m --cpus 0.5 --pids-limit 50';
const PLAIN = '--network none';
const SLEEP = '/bin/sleep 1000000';

/** Runs a command as a unit of the user alice's own service manager. The monitors that it starts outlive it. */
const AS_ALICE =
  'runuser -u alice -- env -C /home/alice HOME=/home/alice XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus systemd-run --user --quiet --collect --wait --pipe --property=KillMode=process --';

/** The engines of Debian forky with containers, each started as its users start it, with and without limits. */
export class ForkyEngines implements AsyncDisposable {
  readonly docker: Docker;
  /** The API of root's Podman. */
  readonly podmanSocket = '/run/podman-lab.sock';
  readonly #machine: Machine;
  readonly #daemons: Background[] = [];
  #incus: Incus | undefined;

  static async start(machine: Machine): Promise<ForkyEngines> {
    const flags = ['--add-runtime=crun=/usr/bin/crun', '--group=docker'];
    const engines = new ForkyEngines(machine, await startDocker(machine, { cgroupDriver: 'systemd', flags }));
    try {
      await engines.#startContainers();
      return engines;
    } catch (error) {
      await engines[Symbol.asyncDispose]().catch(() => {});
      throw error;
    }
  }

  private constructor(machine: Machine, docker: Docker) {
    this.#machine = machine;
    this.docker = docker;
  }

  /** Runs a script that may take long under emulation. */
  script(text: string): Promise<string> {
    return succeed(this.#machine, `set -e -o pipefail\n${text}`, { timeoutMs: 1_200_000 });
  }

  async #startContainers(): Promise<void> {
    const { client, directory } = this.docker;
    await this.script(`useradd --uid 1000 --user-group --create-home alice
      systemctl start systemd-logind
      systemctl start user@1000
      tar -C ${directory}/image -cf /root/lab.tar .
      install -o alice -g alice /root/lab.tar /home/alice/lab.tar
      ${AS_ALICE} podman import -q /home/alice/lab.tar lab:1
      ${AS_ALICE} podman run -d --name alices ${PLAIN} -m 64m lab:1 ${SLEEP}`);
    for (const runtime of ['runc', 'crun'])
      await this.script(`for flags in '${runtime} ${PLAIN}' '${runtime}-limited ${LIMITED}'; do
        ${client} run -d --runtime ${runtime} --name docker-$flags lab:1; done`);
    await this.script(`podman import -q /root/lab.tar lab:1
      for flags in 'plain ${PLAIN}' 'limited ${LIMITED}' 'no-swap ${PLAIN} -m 64m --memory-swap 64m'; do
        podman run -d --name podman-$flags lab:1 ${SLEEP}
      done`);
    this.#daemons.push(
      await this.#machine.start(`exec podman system service --time 0 unix://${this.podmanSocket}`),
      await this.#machine.start('exec containerd > /root/containerd.log 2>&1'),
    );
    const ready = `test -S ${this.podmanSocket} && chgrp docker ${this.podmanSocket} && chmod 660 ${this.podmanSocket} && ctr version`;
    await eventually('containerd and Podman answer', () => succeed(this.#machine, ready), { timeoutMs: 600_000 });
    await this.script(`${client} save lab:1 -o /root/image.tar
      ctr images import /root/image.tar
      ctr run -d docker.io/library/lab:1 ctr-plain
      ctr run -d --memory-limit 67108864 --cpus 0.5 docker.io/library/lab:1 ctr-limited
      ctr run -d --runc-binary crun docker.io/library/lab:1 ctr-crun
      ctr run -d --runc-systemd-cgroup --cgroup machine.slice:lab:ctr-scope docker.io/library/lab:1 ctr-scope`);
    await this.script(`root=/var/lib/machines/lab
      mkdir -p $root/usr $root/etc /var/lib/lxc/lab-lxc
      tar -C $root -xf /root/lab.tar
      touch $root/etc/os-release
      mkdir -p $root/{proc,sys,dev,run}
      for name in lab-nspawn lab-nspawn-user; do cp -a $root /var/lib/machines/$name; done
      mv $root /var/lib/lxc/lab-lxc/rootfs
      printf 'lxc.include = /usr/share/lxc/config/common.conf\nlxc.uts.name = lab-lxc\nlxc.rootfs.path = dir:/var/lib/lxc/lab-lxc/rootfs\n'\\
'lxc.net.0.type = empty\nlxc.apparmor.profile = unconfined\nlxc.init.cmd = ${SLEEP}\n' > /var/lib/lxc/lab-lxc/config
      lxc-start -n lab-lxc -o /root/lxc.log -l INFO
      nspawn='systemd-nspawn -q --register=no --private-network --as-pid2'
      systemd-run -q --unit lab-nspawn-1 $nspawn -M lab-nspawn ${SLEEP}
      systemd-run -q --unit lab-nspawn-2 $nspawn -M lab-nspawn-user --private-users=pick --private-users-ownership=chown ${SLEEP}`);
    this.#incus = await Incus.start(this.#machine, '/root/lab.tar');
  }

  /** The containers that run, as the engines list them. */
  async listed(): Promise<readonly Listed[]> {
    const inspected = async (engine: string, ps: string, inspect: string): Promise<readonly Listed[]> =>
      (await this.script(`${inspect} $(${ps})`))
        .split('\n')
        .map((line) => line.split(' '))
        .map(([id = '', container = '', image = '', runtime = '']) => {
          return { engine, id, container: container.replace(/^\//, ''), image, runtime };
        });
    const named = async (engine: string, script: string): Promise<readonly Listed[]> =>
      (await this.script(script)).split('\n').map((id) => ({ engine, id, container: id }));
    const { client } = this.docker;
    const podman = (how: string) =>
      inspected(
        'podman',
        `${how} podman ps --quiet --no-trunc`,
        `${how} podman inspect --format '{{.ID}} {{.Name}} {{.ImageName}} {{.OCIRuntime}}'`,
      );
    const docker = "inspect --format '{{.ID}} {{.Name}} {{.Config.Image}} {{.HostConfig.Runtime}}'";
    return [
      ...(await inspected('docker', `${client} ps --quiet --no-trunc`, `${client} ${docker}`)),
      ...(await podman('')),
      // Without her API nobody but her knows the image.
      ...(await podman(AS_ALICE)).map(({ engine, id, container, runtime = '' }) => ({
        engine,
        id,
        container,
        runtime,
      })),
      ...(await named('containerd', `ctr tasks list | awk '$3 == "RUNNING" { print $1 }'`)),
      ...(await named('lxc', 'lxc-ls --running -1')),
      // It has the same cgroups.
      ...((await this.#incus?.running()) ?? []).map((name) => ({ engine: 'lxc', id: name, container: name })),
      ...(await named('nspawn', 'pgrep --full --list-full "^[^ ]*systemd-nspawn " | grep -o "lab-nspawn[a-z-]*"')),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#incus?.[Symbol.asyncDispose]();
    await this.#machine.run(
      `lxc-stop -k -n lab-lxc
      systemctl stop lab-nspawn-1 lab-nspawn-2
      for task in $(ctr tasks list -q); do ctr tasks kill -s KILL $task; done
      ${AS_ALICE} podman rm --force --all --time 0
      podman rm --force --all --time 0`,
      { timeoutMs: 1_200_000 },
    );
    for (const daemon of this.#daemons) await daemon.stop();
    await this.docker[Symbol.asyncDispose]();
  }
}
