import { isDenied } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { HostNamespaces } from '../kernel/host-namespaces.ts';
import { findHostRoot } from '../kernel/host-root.ts';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import { parseListeningPaths } from '../kernel/net-unix.ts';
import { HostMounts } from './host-mounts.ts';
import { isDaemonSocket } from './host-paths.ts';
import { orUnknown } from './or-unknown.ts';

/** The maximum age of facts about the host, in ms. The host changes rarely, and its mount table is long with many containers. */
const FACTS_FOR_MS = 15_000;

/** Facts about the host, to compare containers with. */
export interface Host {
  readonly namespaces: HostNamespaces;
  /** The path of the host's root directory from here; `undefined` if there is none. */
  readonly root: string | undefined;
  /** `undefined`: could not be read. */
  readonly mounts: HostMounts | undefined;
  /** Listening sockets on the host that give root to their clients; `undefined`: could not be read. */
  readonly sockets: readonly string[] | undefined;
  /** Files of `/proc` that must be masked in containers, if this kernel has them. */
  readonly secretFiles: readonly string[];
  /** The first error because of which one of these is unknown, other than a missing privilege. */
  readonly problem: Error | undefined;
}

/** Files that all engines mask. Each engine masks more, but not the same ones. */
const SECRET_FILES = ['kcore', 'keys', 'timer_list'];

/** Reads the facts about the host, and reads them again when they are too old. */
export function hostFacts(kernel: KernelFiles, namespaces: HostNamespaces): () => Host {
  let known: { readonly host: Host; readonly until: number } | undefined;
  let table: { readonly text: string; readonly mounts: HostMounts } | undefined;
  // The table is long with many containers, and seldom changes.
  const mountsOf = (text: string): HostMounts => {
    if (table?.text !== text) table = { text, mounts: new HostMounts(parseMountinfo(text)) };
    return table.mounts;
  };
  return () => {
    const now = performance.now();
    if (known === undefined || now > known.until) {
      known = { host: readHost(kernel, namespaces, mountsOf), until: now + FACTS_FOR_MS };
    }
    return known.host;
  };
}

function readHost(kernel: KernelFiles, namespaces: HostNamespaces, mountsOf: (text: string) => HostMounts): Host {
  let problem: Error | undefined;
  const note = (error: Error): void => {
    if (!isDenied(error)) problem ??= error;
  };
  const mounts = orUnknown(() => {
    const text = kernel.proc('1/mountinfo');
    return text === undefined ? undefined : mountsOf(text);
  }, note);
  // A container in the host's network can make the file longer than any that is read.
  const sockets = orUnknown(() => daemonSockets(kernel.proc('1/net/unix') ?? ''), note);
  return {
    namespaces,
    root: findHostRoot(kernel, namespaces),
    mounts,
    sockets,
    secretFiles: SECRET_FILES.filter((name) => kernel.hasProc(name)).map((name) => `/proc/${name}`),
    problem,
  };
}

/** The listening sockets that give root to their clients. */
function daemonSockets(text: string): readonly string[] {
  return parseListeningPaths(text)
    .map((path) => path.replace(/^\/var\/run\//, '/run/'))
    .filter(isDaemonSocket);
}
