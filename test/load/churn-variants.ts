/** The conditions under which containers come and go. */
export interface ChurnVariant {
  readonly name: string;
  /** How deep the containers are, and how many cgroups are inside each. */
  readonly depth: number;
  /** Wraps the command line of the exporter. The wrapper becomes the exporter: it keeps the pid. */
  readonly wrap: readonly string[];
  /** The exporter asks a Docker daemon, which is restarted all the time, for the names of the containers. */
  readonly engine: boolean;
  /** How long a wave stays when it is complete, in ms. */
  readonly holdMs: number;
}

const PLAIN: Omit<ChurnVariant, 'name'> = { depth: 1, wrap: [], engine: false, holdMs: 1_000 };
/** Without inotify there is a walk each second, which can take another one. */
const WITHOUT_INOTIFY_MS = 5_000;

/**
 * Limits of a user namespace of its own, which root inside may set: those of the machine stay. Inside, the exporter is root without
 * power over anything outside.
 */
function limited(limits: Readonly<Record<string, number>>): readonly string[] {
  const set = Object.entries(limits).map(([name, value]) => `echo ${value} > /proc/sys/user/${name}`);
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', `${set.join('; ')}; exec "$@"`, 'sh'];
}

/** All variants, in the order of the table. */
export const VARIANTS: readonly ChurnVariant[] = [
  { name: 'as it is', ...PLAIN },
  {
    name: 'one inotify watch for all',
    ...PLAIN,
    wrap: limited({ max_inotify_watches: 1 }),
    holdMs: WITHOUT_INOTIFY_MS,
  },
  { name: 'no inotify instance', ...PLAIN, wrap: limited({ max_inotify_instances: 0 }), holdMs: WITHOUT_INOTIFY_MS },
  { name: '256 descriptors', ...PLAIN, wrap: ['prlimit', '--nofile=256:256', '--'] },
  { name: '15 cgroups above each container and 15 inside', ...PLAIN, depth: 15 },
  { name: 'dockerd restarted all the time', ...PLAIN, engine: true },
];
