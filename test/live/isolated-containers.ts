import { type Docker, LAB_IMAGE } from '../lab/docker.ts';
import { type Background, type Machine, succeed } from '../lab/machine.ts';
import { within, words } from './docker-containers.ts';

export type OtherName = 'nspawn' | 'lxc' | 'lxcUser' | 'ctr' | 'rootless' | 'rootlessPrivileged';

/** Containers of other engines than Docker, and a way to remove them. */
export interface Others extends AsyncDisposable {
  /** The name of each container in the exporter. */
  readonly names: Readonly<Record<OtherName, string>>;
}

/** No other user has this uid. */
const UID = 1777;

/**
 * Starts one container with each of nspawn, LXC (as root and in a user namespace), ctr and rootless Podman (also
 * privileged), on a machine with systemd. Their root directories are copies of the image of `docker`.
 */
export async function startOthers(machine: Machine, docker: Docker): Promise<Others> {
  const directory = await succeed(machine, 'mktemp -d /tmp/isolation-exporter-others-XXXXXX');
  await succeed(machine, PREPARE(directory, docker.directory));
  const sleep = '/bin/sleep 1000000';
  const nspawn = await machine.start(
    `exec systemd-nspawn -q -D ${directory}/nspawn -M lab-nspawn --register=no ${sleep}`,
  );
  const daemons: Background[] = [nspawn];
  const ctr = `ctr -a ${docker.directory}/exec/containerd/containerd.sock -n lab`;
  await succeed(machine, `${ctr} run -d --rootfs ${directory}/ctr lab-ctr ${sleep}`);
  for (const name of ['lab-lxc', 'lab-lxc-user']) {
    await succeed(machine, `lxc-start -n ${name} -P ${directory}/lxc -o ${directory}/${name}.log -l INFO`);
  }
  for (const [unit, flags] of [
    ['lab-rootless', ''],
    ['lab-rootless-privileged', '--privileged'],
  ] as const) {
    daemons.push(await machine.start(PODMAN(directory, unit, flags, sleep)));
  }
  const started = async (unit: string): Promise<string> => {
    await within(
      machine,
      unit,
      async () => (await machine.run(`test -s ${directory}/run/${unit}.id`)).code === 0,
      60_000,
    );
    // Its monitor names the container, without an API.
    return unit;
  };
  return {
    names: {
      nspawn: 'lab-nspawn',
      lxc: 'lab-lxc',
      lxcUser: 'lab-lxc-user',
      ctr: 'lab-ctr',
      rootless: await started('lab-rootless'),
      rootlessPrivileged: await started('lab-rootless-privileged'),
    },
    async [Symbol.asyncDispose]() {
      await machine.run(`
        ${ctr} tasks kill --signal KILL lab-ctr
        for name in lab-lxc lab-lxc-user; do lxc-stop -k -n $name -P ${directory}/lxc; done
        systemctl stop lab-rootless lab-rootless-privileged`);
      for (const daemon of daemons) await daemon.stop();
      await machine.run(`rm -rf ${directory}`);
    },
  };
}

const PREPARE = (directory: string, docker: string): string => `
  set -e
  chmod 755 ${directory}
  for name in nspawn lxc/lab-lxc lxc/lab-lxc-user ctr lab-rootless lab-rootless-privileged; do
    mkdir -p ${directory}/$name
    root=${directory}/$name
    case $name in lxc/*) root=$root/rootfs ;; esac
    cp -a ${docker}/image/. $root/
    mkdir -p $root/usr $root/proc $root/sys $root/dev $root/etc $root/run $root/var $root/root
  done
  grep -q ^lab: /etc/passwd || echo 'lab:x:${UID}:${UID}::${directory}/home:/bin/sh' >> /etc/passwd
  grep -q ^lab: /etc/group || echo 'lab:x:${UID}:' >> /etc/group
  for file in /etc/subuid /etc/subgid; do
    printf 'lab:200000:65536\\nroot:300000:65536\\n' > $file
  done
  chown -R 300000:300000 ${directory}/lxc/lab-lxc-user/rootfs
  mkdir -p ${directory}/home ${directory}/run
  chown -R ${UID}:${UID} ${directory}/lab-rootless ${directory}/lab-rootless-privileged ${directory}/home ${directory}/run
  for name in lab-lxc lab-lxc-user; do
    cat > ${directory}/lxc/$name/config <<END
lxc.include = /usr/share/lxc/config/common.conf
lxc.uts.name = $name
lxc.rootfs.path = dir:${directory}/lxc/$name/rootfs
lxc.net.0.type = empty
lxc.apparmor.profile = unconfined
lxc.init.cmd = /bin/sleep 1000000
END
  done
  cat >> ${directory}/lxc/lab-lxc-user/config <<END
lxc.include = /usr/share/lxc/config/userns.conf
lxc.idmap = u 0 300000 65536
lxc.idmap = g 0 300000 65536
END
`;

/** Runs Podman in a unit that may create cgroups below its own, like a quadlet. */
const PODMAN = (directory: string, unit: string, flags: string, command: string): string => `
  exec systemd-run --quiet --wait --collect --unit=${unit} --uid=${UID} --gid=${UID} --property=Delegate=yes \\
    --setenv=HOME=${directory}/home --setenv=XDG_RUNTIME_DIR=${directory}/run --setenv=PATH=$PATH \\
    podman --runtime runc --cgroup-manager cgroupfs --storage-driver vfs run --cgroups=split --name ${unit} --network none ${flags} \\
    --cidfile ${directory}/run/${unit}.id --rootfs ${directory}/${unit} ${command}`;

/** One Docker container for each way to start one, by name. */
export async function runEach(docker: Docker, flags: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, own] of Object.entries(flags)) {
    const filled = own.replaceAll('SOCKET', docker.socket).replaceAll('DIRECTORY', docker.directory);
    await docker.run('--name', name, ...words(filled), LAB_IMAGE);
  }
}
