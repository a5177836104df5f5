import type { HostMount } from './posture.ts';

/** Sockets of daemons that run anything as root on request. */
const DAEMON_SOCKET = new RegExp(
  // Docker, Podman and the runtimes of Docker and Kubernetes, in any directory
  '/(?:docker|podman|balena(?:-engine)?|containerd|crio|cri-dockerd|dockershim|buildkitd)\\.sock(?:\\.ttrpc)?$' +
    // LXD and Incus: /var/lib/incus/unix.socket, /var/snap/lxd/common/lxd/unix.socket
    '|/(?:lxd|incus)/unix\\.socket$' +
    // systemd's own
    '|^/run/systemd/private$',
);

/** Write access to one of these takes over the host. */
const CRITICAL = ['/proc', '/dev', '/etc', '/root', '/boot', '/var/lib/kubelet'];

/** Parts of `/etc` or `/root` that are as critical as the whole: users, jobs, units, libraries, keys. */
const CRITICAL_BELOW = new RegExp(
  '^/etc/(?:(?:passwd|shadow|group|gshadow)-?|sudoers(?:\\.d)?|(?:ana)?crontab|cron\\.(?:d|hourly|daily|weekly|monthly|yearly)|' +
    'profile(?:\\.d)?|environment(?:\\.d)?|ld\\.so\\.(?:cache|preload|conf(?:\\.d)?)|pam\\.(?:conf|d)|ssh|systemd|' +
    'init\\.d|inittab|rc(?:\\.local|[0-6S]?\\.d)?|udev|kubernetes|docker|containerd|security)(?:/|$)' +
    '|^/root/\\.ssh(?:/|$)|^/var/lib/kubelet/pki(?:/|$)',
);

/** Programs, secrets, logs and containers of the host, and sockets of services that act as root on request. */
const SENSITIVE = [
  ...'/home /lib /lib64 /opt/cni /run /sbin /bin /sys /usr /var/log'.split(' '),
  ...'/var/lib/containerd /var/lib/containers /var/lib/docker /var/spool /var/spool/cron /run/containerd'.split(' '),
  ...'/run/docker /run/systemd /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security /sys/fs/bpf'.split(' '),
  ...'/run/dbus/system_bus_socket /run/snapd.socket /run/udev /run/libvirt/libvirt-sock'.split(' '),
  '/run/libvirt/virtqemud-sock',
];

/** Directories that are sensitive, with everything below them. */
const SENSITIVE_BELOW = /^\/(?:dev|boot|root|var\/lib\/kubelet|etc\/kubernetes)\//;

/** World-readable files that programs in containers need. */
const HARMLESS =
  /^\/etc\/(?:localtime|timezone|hosts|hostname|resolv\.conf|machine-id|os-release|ssl|pki|ca-certificates)(?:\/|$)/;

/** Devices that every container has. Some engines mount the host's nodes. */
const USUAL_DEVICES = /^\/dev\/(?:null|zero|full|random|urandom|tty|ptmx|console|fuse|net\/tun|shm|mqueue)$/;

/**
 * Mounts that engines create by themselves: files in a directory named after the container's id, managed volumes,
 * mounts that the kubelet creates for a pod, and directories of nspawn, LXC, LXD and Incus.
 */
const ENGINES_OWN = new RegExp(
  '/[0-9a-f]{64}(?:/|$)|/volumes/[^/]+/_data(?:/|$)|/nerdctl/[0-9a-f]+/volumes/[^/]+/[^/]+/_data(?:/|$)' +
    '|/kubelet/pods/[^/]+/(?:volumes|volume-subpaths|containers|etc-hosts)' +
    // CSI volumes before Kubernetes 1.24; later ones contain an id
    '|/kubelet/plugins/kubernetes\\.io/csi/pv/[^/]+/globalmount(?:/|$)' +
    '|^/run/(?:systemd/nspawn|host|lxc|lxcfs)(?:/|$)|^/var/lib/lxcfs(?:/|$)|^/(?:run|var/run)/secrets(?:/|$)' +
    // The directories for passing mounts in, and the guest interface
    '|^/var/(?:lib|snap/lxd/common)/(?:lxd|incus)/(?:shmounts/[^/]+|devlxd|guestapi)(?:/|$)' +
    '|^/sys/fs/(?:fuse/connections|pstore)$',
);

/** Whether a path is a socket that gives root. */
export function isDaemonSocket(path: string): boolean {
  return DAEMON_SOCKET.test(path);
}

/** The significance of a host path in a container; `undefined` if every container of some engine has it. */
export function kindOf(path: string): HostMount['kind'] | undefined {
  if (path === '/') return 'root';
  if (isDaemonSocket(path)) return 'socket';
  if (USUAL_DEVICES.test(path)) return undefined;
  if (isOrHolds(path, CRITICAL) || CRITICAL_BELOW.test(path)) return 'critical';
  if (ENGINES_OWN.test(path)) return undefined;
  if (isOrHolds(path, SENSITIVE) || SENSITIVE_BELOW.test(path)) return 'sensitive';
  return HARMLESS.test(path) ? undefined : 'plain';
}

/** Whether a path is one of these paths, or above one. */
function isOrHolds(path: string, others: readonly string[]): boolean {
  return others.some((other) => other === path || other.startsWith(`${path}/`));
}
