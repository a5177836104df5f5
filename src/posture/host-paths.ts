import type { HostMount } from './posture.ts';

/** Sockets of daemons that do anything as root for those who can connect. */
const DAEMON_SOCKET = new RegExp(
  // Docker, Podman and what starts containers for them and for Kubernetes, wherever the sockets are
  '/(?:docker|podman|balena(?:-engine)?|containerd|crio|cri-dockerd|dockershim|buildkitd)\\.sock(?:\\.ttrpc)?$' +
    // LXD and Incus: /var/lib/incus/unix.socket, /var/snap/lxd/common/lxd/unix.socket
    '|/(?:lxd|incus)/unix\\.socket$' +
    // systemd's own
    '|^/run/systemd/private$',
);

/** Who writes here owns the host. */
const CRITICAL = ['/proc', '/dev', '/etc', '/root', '/boot', '/var/lib/kubelet'];

/** As good as the whole of `/etc` or `/root`: users, jobs, units, libraries, keys. */
const CRITICAL_BELOW = new RegExp(
  '^/etc/(?:(?:passwd|shadow|group|gshadow)-?|sudoers(?:\\.d)?|(?:ana)?crontab|cron\\.(?:d|hourly|daily|weekly|monthly|yearly)|' +
    'profile(?:\\.d)?|environment(?:\\.d)?|ld\\.so\\.(?:cache|preload|conf(?:\\.d)?)|pam\\.(?:conf|d)|ssh|systemd|' +
    'init\\.d|inittab|rc(?:\\.local|[0-6S]?\\.d)?|udev|kubernetes|docker|containerd|security)(?:/|$)' +
    '|^/root/\\.ssh(?:/|$)|^/var/lib/kubelet/pki(?:/|$)',
);

/** Programs, secrets, logs and containers of the host, and sockets of services that do as root what they are asked for. */
const SENSITIVE = [
  ...'/home /lib /lib64 /opt/cni /run /sbin /bin /sys /usr /var/log'.split(' '),
  ...'/var/lib/containerd /var/lib/containers /var/lib/docker /var/spool /var/spool/cron /run/containerd'.split(' '),
  ...'/run/docker /run/systemd /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security /sys/fs/bpf'.split(' '),
  ...'/run/dbus/system_bus_socket /run/snapd.socket /run/udev /run/libvirt/libvirt-sock'.split(' '),
  '/run/libvirt/virtqemud-sock',
];

/** Sensitive with all that is below. */
const SENSITIVE_BELOW = /^\/(?:dev|boot|root|var\/lib\/kubelet|etc\/kubernetes)\//;

/** Everybody may read this, and programs of a container look for it there. */
const HARMLESS =
  /^\/etc\/(?:localtime|timezone|hosts|hostname|resolv\.conf|machine-id|os-release|ssl|pki|ca-certificates)(?:\/|$)/;

/** Every container has these devices, some by a mount of the host's node. */
const USUAL_DEVICES = /^\/dev\/(?:null|zero|full|random|urandom|tty|ptmx|console|fuse|net\/tun|shm|mqueue)$/;

/**
 * What an engine mounts by itself: files below the id of a container, volumes that it manages, what the kubelet makes for
 * a pod, the places of nspawn, LXC, LXD and Incus.
 */
const ENGINES_OWN = new RegExp(
  '/[0-9a-f]{64}(?:/|$)|/volumes/[^/]+/_data(?:/|$)|/nerdctl/[0-9a-f]+/volumes/[^/]+/[^/]+/_data(?:/|$)' +
    '|/kubelet/pods/[^/]+/(?:volumes|volume-subpaths|containers|etc-hosts)' +
    // Of volumes of CSI before Kubernetes 1.24; later there is an id in it
    '|/kubelet/plugins/kubernetes\\.io/csi/pv/[^/]+/globalmount(?:/|$)' +
    '|^/run/(?:systemd/nspawn|host|lxc|lxcfs)(?:/|$)|^/var/lib/lxcfs(?:/|$)|^/(?:run|var/run)/secrets(?:/|$)' +
    // To hand mounts in, and their interface for guests
    '|^/var/(?:lib|snap/lxd/common)/(?:lxd|incus)/(?:shmounts/[^/]+|devlxd|guestapi)(?:/|$)' +
    '|^/sys/fs/(?:fuse/connections|pstore)$',
);

/** Whether a path is that of a socket by which anybody becomes root. */
export function isDaemonSocket(path: string): boolean {
  return DAEMON_SOCKET.test(path);
}

/** What it means to have a path of the host in a container; `undefined` if every container of some engine has it. */
export function kindOf(path: string): HostMount['kind'] | undefined {
  if (path === '/') return 'root';
  if (isDaemonSocket(path)) return 'socket';
  if (USUAL_DEVICES.test(path)) return undefined;
  if (isOrHolds(path, CRITICAL) || CRITICAL_BELOW.test(path)) return 'critical';
  if (ENGINES_OWN.test(path)) return undefined;
  if (isOrHolds(path, SENSITIVE) || SENSITIVE_BELOW.test(path)) return 'sensitive';
  return HARMLESS.test(path) ? undefined : 'plain';
}

/** Whether a path is one of these, or above one. */
function isOrHolds(path: string, others: readonly string[]): boolean {
  return others.some((other) => other === path || other.startsWith(`${path}/`));
}
