import { quote } from '../lab/machine.ts';

/** A container that tells a lie, and how it is started. An honest one with the same flags runs beside it. */
export interface Liar {
  readonly flags: readonly string[];
  /** Flags of the liar only. */
  readonly own?: readonly string[];
  /** The script of its first process. */
  readonly script: string;
  /** Whether nobody can tell from outside whether it lies. Its level is then 0, and not certain. */
  readonly unknown?: boolean;
}

const ALONE = ['--network', 'none'];

/** With the pids of the host, a process is in the namespace where engines run. */
const AMONG_ENGINES = ['--network', 'host', '--pid', 'host', '--ipc', 'host', '--uts', 'host'];

/** What sandboxes, runtimes and engines are called on the host. */
const NAMES = [
  'runsc-sandbox',
  'runsc-gofer',
  'firecracker',
  'qemu-system-x86_64',
  'containerd-shim-kata-v2',
  'virtiofsd',
  'crun',
  'conmon',
];

/** System calls by their numbers. */
const [UNSHARE, MOUNT, PRCTL, GETPID, EXIT] =
  process.arch === 'arm64' ? [97, 40, 167, 172, 93] : [272, 165, 157, 39, 60];

const SLEEP = 'sleep 1000000';

const perl = (script: string, { program, name }: { readonly program?: string; readonly name?: string } = {}): string =>
  `exec -a ${quote(name ?? 'perl')} ${program ?? 'perl'} -e ${quote(script)}`;

/** All that a process can say of itself: its name, its command line, and the path of its program. */
const named = (name: string): string => `cp /bin/sleep /tmp/${name}; exec -a ${name} /tmp/${name} 1000000`;

/** Leaves an orphan in namespaces of its own, which looks better than the first process. The new parent is the shim. */
const DECOY = `
  if (!fork) {
    syscall(${UNSHARE}, 0x7c000000) == 0 or die "unshare: $!";
    if (!fork) { $0 = 'decoy'; ${SLEEP} }
    exit;
  }
  wait;
  ${SLEEP}`;

/** Ends its first thread and goes on in another. */
const ENDED_THREAD = `use threads; threads->create(sub { ${SLEEP} }); syscall(${EXIT}, 0)`;

/** The strict mode of seccomp allows a process to read, write and exit. */
const [PR_SET_SECCOMP, SECCOMP_MODE_STRICT] = [22, 1];

/** All liars by their names. @param shared a directory that has the same path in the containers. */
export function liars(shared: string): Readonly<Record<string, Liar>> {
  const flagsOf = { alone: ALONE, 'among-engines': AMONG_ENGINES };
  const byName = Object.entries(flagsOf).flatMap(([where, flags]) =>
    NAMES.map((name): readonly [string, Liar] => [`${name}-${where}`, { flags, script: named(name) }]),
  );
  const withShared = [...ALONE, '-v', `${shared}:${shared}`];
  const free = [...AMONG_ENGINES, '--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'];
  return {
    ...Object.fromEntries(byName),
    comm: {
      flags: ALONE,
      script: perl(`open my $comm, '>', '/proc/self/comm'; print $comm 'firecracker'; close $comm; ${SLEEP}`),
    },
    argv: { flags: ALONE, script: `exec -a qemu-system-x86_64 sleep 1000000` },
    runtime: { flags: ALONE, script: 'while :; do (exec -a runc sleep 1); done' },
    environment: {
      flags: ALONE,
      own: ['-e', 'container=lxc', '-e', 'KUBERNETES_SERVICE_HOST=::1', '-e', 'RUNSC=1', '--hostname', 'runsc-sandbox'],
      script: `exec ${SLEEP}`,
    },
    labels: {
      flags: ALONE,
      own: [
        '--label',
        'io.kubernetes.docker.type=podsandbox',
        '--label',
        'io.kubernetes.container.name=POD',
        '--label',
        'io.cri-containerd.kind=sandbox',
        '--label',
        'io.podman.annotations.infra=true',
      ],
      script: `exec ${SLEEP}`,
    },
    'gofer-with-decoy': { flags: free, script: perl(`$0 = 'runsc-gofer'; ${DECOY}`) },
    'conmon-with-decoy': { flags: free, script: perl(`$0 = 'conmon'; ${DECOY}`) },
    // A zombie says how seccomp ended it.
    'killed-by-seccomp': {
      flags: ALONE,
      script: perl(
        `if (!fork) { syscall(${PRCTL}, ${PR_SET_SECCOMP}, ${SECCOMP_MODE_STRICT}, 0, 0, 0); syscall(${GETPID}) } ${SLEEP}`,
      ),
    },
    // The kernel shows a process without its first thread as a zombie.
    'ended-thread': { flags: ALONE, script: perl(ENDED_THREAD) },
    'ended-thread-in-host-namespaces': {
      flags: ['--network', 'host', '--ipc', 'host', '--uts', 'host'],
      script: perl(ENDED_THREAD),
    },
    'covered-mount': {
      flags: [...ALONE, '--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined', '-v', '/etc:/host-etc'],
      script: perl(
        `my ($at, $type) = ('/host-etc', 'tmpfs'); syscall(${MOUNT}, $type, $at, $type, 0, 0) == 0 or die "mount: $!"; ${SLEEP}`,
      ),
    },
    'own-gvisor': {
      flags: withShared,
      script: `cp /usr/bin/perl ${shared}/runsc-perl; ${perl(`chroot '/dev/shm' or die; chdir '/'; ${SLEEP}`, { program: `${shared}/runsc-perl`, name: 'runsc-sandbox' })}`,
      unknown: true,
    },
    'own-machine': {
      flags: [...withShared, '--device', '/dev/kvm'],
      script: `cp /usr/bin/perl ${shared}/crun; ${perl(
        `$0 = 'libkrun VM'; sysopen my $kvm, '/dev/kvm', 2 or die $!; ioctl $kvm, 0xAE01, 0 or die $!; ${SLEEP}`,
        { program: `${shared}/crun` },
      )}`,
      unknown: true,
    },
  };
}
