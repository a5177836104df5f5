import { fetchNewerDebian } from './newer-debian.ts';
import { fetchForky } from './guest-forky.ts';
import { fetchKernel } from './guest-kernel.ts';
import { fetchNodeEngine } from './node-engine.ts';

/** A part of the lab that a live suite may need. */
export type Part =
  /** Namespaces and cgroups, as root, for the containers of the demo. */
  | 'containers'
  | 'docker'
  /** FUSE mounts with a server that can be stopped. */
  | 'fuse'
  | 'podman'
  | 'gvisor'
  /** nspawn, LXC, and Podman for users without root. */
  | 'engines'
  | 'prometheus'
  /** Prometheus 3.5 LTS and VictoriaMetrics, fetched from a newer Debian. */
  | 'newer-debian'
  | 'alertmanager'
  | 'chromium'
  /** What tells which system calls a program makes, and which ones a unit allows. */
  | 'strace'
  /** A clock of its own for one process. */
  | 'faketime'
  /** The plain guest. */
  | 'guest'
  /** The plain guest with the kernel of a newer Debian (6.12). */
  | 'guest-newer'
  /** The guest of Debian forky. */
  | 'guest-forky'
  /** Other releases of Debian, with systemd, in containers of systemd-nspawn. */
  | 'debian-container'
  /** The tools that build and install RPMs. */
  | 'rpm'
  /** The guest with systemd as PID 1, and AppArmor. */
  | 'guest-systemd'
  /** containerd 2 with today's runtimes, in the guest with systemd and a newer kernel (6.12). */
  | 'guest-node';

/** How to install a part on Debian and its derivatives. */
interface Recipe {
  /** A bash command that succeeds if the part is already installed, from any source. */
  readonly probe: string;
  readonly packages: readonly string[];
  /** Packages that only some releases have, such as a separate client. */
  readonly packagesIfKnown?: readonly string[];
  /** Parts that this one depends on. */
  readonly parts?: readonly Part[];
  /**
   * Downloads what no package of this machine provides, unless an earlier run has done so. It runs after the packages
   * are installed.
   */
  readonly fetch?: () => Promise<unknown>;
  /** Only prepared with `LAB=all`, because only suites that run with it need this part, and it takes minutes. */
  readonly long?: boolean;
}

/** Tools that the suites' scripts need, and a busybox that runs without a C library (in an empty image). */
const COMMON = ['busybox-static', 'curl', 'iproute2', 'procps'];
const COMMON_PROBE =
  'command -v curl && command -v ip && command -v pgrep && test -x /bin/busybox && ! ldd /bin/busybox >/dev/null 2>&1';

/** All parts. */
export const RECIPES: Readonly<Record<Part, Recipe>> = {
  containers: {
    probe: 'command -v unshare && command -v setpriv && command -v perl && command -v curl && command -v ss',
    packages: ['util-linux', 'perl-base', 'curl', 'iproute2'],
  },
  docker: {
    probe: `command -v dockerd && command -v docker && command -v runc && ${COMMON_PROBE}`,
    packages: ['docker.io', 'runc', ...COMMON],
    packagesIfKnown: ['docker-cli'],
  },
  fuse: { probe: 'command -v bindfs && test -c /dev/fuse', packages: ['bindfs'] },
  podman: { probe: 'command -v podman && command -v runc && command -v crun', packages: ['podman', 'runc', 'crun'] },
  engines: {
    probe: 'command -v systemd-nspawn && command -v lxc-start && command -v newuidmap && command -v podman',
    packages: ['systemd-container', 'lxc', 'uidmap'],
    parts: ['podman'],
  },
  gvisor: { probe: 'command -v runsc', packages: ['runsc'], parts: ['docker'] },
  prometheus: { probe: 'command -v prometheus && command -v promtool', packages: ['prometheus'] },
  'newer-debian': { probe: 'command -v dpkg-deb && command -v apt-get', packages: [], fetch: fetchNewerDebian },
  alertmanager: {
    probe: 'command -v amtool && { command -v prometheus-alertmanager || command -v alertmanager; }',
    packages: ['prometheus-alertmanager'],
  },
  chromium: { probe: 'command -v chromium', packages: ['chromium', 'fonts-dejavu-core'] },
  faketime: { probe: 'ls /usr/lib/*/faketime/libfaketime.so.1', packages: ['faketime'] },
  strace: { probe: 'command -v strace && command -v systemd-analyze', packages: ['strace', 'systemd'] },
  'debian-container': {
    probe: 'command -v debootstrap && command -v systemd-nspawn && command -v dpkg-deb && command -v curl',
    packages: ['debootstrap', 'systemd-container', 'curl'],
  },
  rpm: { probe: 'command -v rpmbuild', packages: ['rpm'] },
  guest: {
    probe: `command -v qemu-system-x86_64 && command -v cpio && command -v xz && ${COMMON_PROBE}`,
    packages: ['qemu-system-x86', 'cpio', 'xz-utils', ...COMMON],
    fetch: () => fetchKernel('own'),
  },
  'guest-newer': { probe: 'command -v dpkg-deb', packages: [], parts: ['guest'], fetch: () => fetchKernel('newer') },
  'guest-forky': {
    probe: 'command -v mmdebstrap && command -v mke2fs && command -v dpkg-deb',
    packages: ['mmdebstrap', 'e2fsprogs'],
    parts: ['guest'],
    fetch: fetchForky,
  },
  'guest-systemd': {
    probe: 'test -x /lib/systemd/systemd && command -v dbus-daemon && command -v apparmor_parser',
    packages: ['systemd', 'dbus', 'apparmor'],
    parts: ['guest'],
  },
  'guest-node': {
    probe: 'command -v patchelf && command -v dpkg-deb',
    packages: ['patchelf'],
    parts: ['guest-systemd', 'guest-newer'],
    fetch: fetchNodeEngine,
    long: true,
  },
};

/** All names of parts. */
export const PARTS = Object.keys(RECIPES) as Part[];
