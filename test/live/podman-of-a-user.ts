import { host } from '../lab/host.ts';
import { eventually, quote, succeed } from '../lab/machine.ts';

const PODMAN = 'podman --runtime runc --cgroup-manager cgroupfs --storage-driver vfs';

/** A user's Podman with its API and one running container, which has no cgroup on cgroup v1. */
export interface PodmanOfAUser extends AsyncDisposable {
  readonly socket: string;
  /** Removes the container. */
  remove(): Promise<void>;
}

/** @param directory has an `image` and a `containers.conf`. The user can enter it afterwards. */
export async function startPodmanOfAUser(directory: string, container: string): Promise<PodmanOfAUser> {
  const home = `${directory}/user`;
  const socket = `${home}/podman.sock`;
  const asUser = (script: string) =>
    `exec setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH="$PATH" HOME=${home} XDG_RUNTIME_DIR=${home}/run \
      CONTAINERS_CONF=${directory}/containers.conf sh -c ${quote(`cd ${home} && ${script}`)}`;
  await succeed(
    host,
    `set -e -o pipefail
    chmod 711 ${directory}
    mkdir -p ${home}/run
    tar --owner=0 --group=0 -C ${directory}/image -cf ${home}/image.tar .
    chown -R 65534:65534 ${home}`,
  );
  await succeed(host, asUser(`${PODMAN} import -q image.tar lab:1`));
  const run = `run -d --name ${container} --network none localhost/lab:1 /bin/sleep 1000000`;
  await succeed(host, asUser(`${PODMAN} ${run}`));
  const service = await host.start(asUser(`exec ${PODMAN} system service --time 0 unix://${socket}`));
  const stop = async () => {
    await host.run(asUser(`${PODMAN} rm --force --all --time 0`));
    await service.stop();
    // podman keeps a process for the user's namespaces.
    await host.run(`kill "$(cat ${home}/run/libpod/tmp/pause.pid)"`);
  };
  try {
    await eventually('the API answers', () => succeed(host, `test -S ${socket}`), { timeoutMs: 30_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    socket,
    remove: async () => void (await succeed(host, asUser(`${PODMAN} rm --force --time 0 ${container}`))),
    [Symbol.asyncDispose]: stop,
  };
}
