import { type Background, eventually, type Machine, succeed } from '../lab/machine.ts';
import { type Listed, listedByPodman, MAKE_ROOT, PLAIN, SLEEP, slowly } from './forky-engines.ts';
import { Incus } from './incus.ts';

/** Runs a command as a unit of the user alice's own service manager. The monitors that it starts outlive it. */
const AS_ALICE =
  'runuser -u alice -- env -C /home/alice HOME=/home/alice XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus systemd-run --user --quiet --collect --wait --pipe --property=KillMode=process --';

/**
 * The other engines of Debian forky with containers, each started as its users start it, with and without limits: the
 * Podman of a user, containerd, LXC, systemd-nspawn and Incus.
 */
export class OtherEngines implements AsyncDisposable {
  readonly #machine: Machine;
  #containerd: Background | undefined;
  #incus: Incus | undefined;

  static async start(machine: Machine): Promise<OtherEngines> {
    const engines = new OtherEngines(machine);
    try {
      await engines.#startContainers();
      return engines;
    } catch (error) {
      await engines[Symbol.asyncDispose]().catch(() => {});
      throw error;
    }
  }

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  async #startContainers(): Promise<void> {
    await this.#script(`${MAKE_ROOT('/root/lab.tar')}
      useradd --uid 1000 --user-group --create-home alice
      systemctl start systemd-logind
      systemctl start user@1000
      install -o alice -g alice /root/lab.tar /home/alice/lab.tar
      ${AS_ALICE} podman import -q /home/alice/lab.tar lab:1
      ${AS_ALICE} podman save -q -o /home/alice/image.tar lab:1
      ${AS_ALICE} podman run -d --name alices ${PLAIN} -m 64m lab:1 ${SLEEP}`);
    this.#containerd = await this.#machine.start('exec containerd > /root/containerd.log 2>&1');
    await eventually('containerd answers', () => succeed(this.#machine, 'ctr version'), { timeoutMs: 600_000 });
    const image = 'localhost/lab:1';
    await this.#script(`ctr images import /home/alice/image.tar
      ctr run -d ${image} ctr-plain ${SLEEP}
      ctr run -d --memory-limit 67108864 --cpus 0.5 ${image} ctr-limited ${SLEEP}
      ctr run -d --runc-binary crun ${image} ctr-crun ${SLEEP}
      ctr run -d --runc-systemd-cgroup --cgroup machine.slice:lab:ctr-scope ${image} ctr-scope ${SLEEP}`);
    await this.#script(`root=/var/lib/machines/lab
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

  #script(text: string): Promise<string> {
    return slowly(this.#machine, text);
  }

  /** The containers that run, as the engines list them. */
  async listed(): Promise<readonly Listed[]> {
    const named = async (engine: string, script: string): Promise<readonly Listed[]> =>
      (await this.#script(script)).split('\n').map((id) => ({ engine, id, container: id }));
    return [
      // Without her API nobody but her knows the image.
      ...(await listedByPodman(this.#machine, AS_ALICE)).map(({ engine, id, container, runtime = '' }) => {
        return { engine, id, container, runtime };
      }),
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
      ${AS_ALICE} podman rm --force --all --time 0`,
      { timeoutMs: 1_200_000 },
    );
    await this.#containerd?.stop();
  }
}
