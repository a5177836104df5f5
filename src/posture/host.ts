import { unseenAsUndefined } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { type HostNamespaces, inodeOfLink } from '../kernel/host-namespaces.ts';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import { parseListeningPaths } from '../kernel/net-unix.ts';
import { HostMounts } from './host-mounts.ts';
import { isDaemonSocket } from './host-paths.ts';

/** The host changes rarely, and its mount table is long where there are many containers. */
const FACTS_FOR_MS = 15_000;

/** What is known of the host that containers are held against. */
export interface Host {
  readonly namespaces: HostNamespaces;
  /** Where the host's root directory is to be found from here. `undefined`: nowhere. */
  readonly root: string | undefined;
  /** `undefined`: could not be read. */
  readonly mounts: HostMounts | undefined;
  /** Sockets that somebody on the host listens on and that give root to who may connect. */
  readonly sockets: readonly string[];
  /** Files of `/proc` that containers are to have hidden, as far as this kernel has them. */
  readonly secretFiles: readonly string[];
}

/** What all engines hide; each hides more, and not the same. */
const SECRET_FILES = ['kcore', 'keys', 'timer_list'];

/** Reads the facts of the host, again when they are old. */
export function hostFacts(kernel: KernelFiles, namespaces: HostNamespaces): () => Host {
  let known: { readonly host: Host; readonly until: number } | undefined;
  return () => {
    const now = performance.now();
    if (known === undefined || now > known.until) {
      known = { host: readHost(kernel, namespaces), until: now + FACTS_FOR_MS };
    }
    return known.host;
  };
}

function readHost(kernel: KernelFiles, namespaces: HostNamespaces): Host {
  const mountinfo = unseenAsUndefined(() => kernel.proc('1/mountinfo'));
  const sockets = unseenAsUndefined(() => kernel.proc('1/net/unix'));
  return {
    namespaces,
    root: findRoot(kernel, namespaces),
    mounts: mountinfo === undefined ? undefined : new HostMounts(parseMountinfo(mountinfo)),
    sockets: parseListeningPaths(sockets ?? '')
      .map((path) => path.replace(/^\/var\/run\//, '/run/'))
      .filter(isDaemonSocket),
    secretFiles: SECRET_FILES.filter((name) => kernel.hasProc(name)).map((name) => `/proc/${name}`),
  };
}

/** The root of PID 1; if that is shielded, this process's own if it is in the host's mount namespace. */
function findRoot(kernel: KernelFiles, namespaces: HostNamespaces): string | undefined {
  // Where the link leads is shown to those who may follow it, and to read it looks at no file system.
  if (unseenAsUndefined(() => kernel.link('1/root')) !== undefined) return `${kernel.procRoot}/1/root`;
  const own = inodeOfLink(kernel.link('self/ns/mnt') ?? '');
  return own !== undefined && own === namespaces.get('mnt')?.inode ? '' : undefined;
}
