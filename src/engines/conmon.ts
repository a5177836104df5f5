import type { Names } from '../container.ts';
import type { HostRoot } from '../kernel/host-root.ts';
import { nameOf } from '../kernel/paths.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { PathProbes } from '../probes/path-probes.ts';

/** In bytes. The name comes before all that a user of Podman can make long. */
const LONGEST = 8_192;

/** As Podman checks it. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,999}$/;

/** The container of a monitor. */
export interface Conmon {
  readonly id: string;
  readonly names: Names;
}

/**
 * Parses the command line of Podman's monitor (`/proc/<pid>/cmdline`, words that end with NUL):
 *
 *     /usr/bin/conmon --api-version 1 -c 3f9a…d2 -u 3f9a…d2 -r /usr/bin/crun -b /var/lib/containers/…/userdata -p … -n web …
 *     /usr/bin/conmon -c 3f9a…d2 -u 3f9a…d2 -r /usr/bin/runc -b /home/ada/.local/share/containers/…/userdata … -n db …
 *
 * @returns `undefined` for any other process, and without a name that Podman could have given.
 */
export function parseConmon(cmdline: string): Conmon | undefined {
  // The last word is empty, or was cut.
  const [command = '', ...words] = cmdline.split('\0').slice(0, -1);
  const id = valueOf('-c', words);
  const name = valueOf('-n', words);
  const runtime = nameOf(valueOf('-r', words) ?? '');
  if (nameOf(command) !== 'conmon' || id === undefined || name === undefined || !NAME.test(name)) return undefined;
  return { id, names: { name, ...(NAME.test(runtime) && { runtime }) } };
}

function valueOf(flag: string, words: readonly string[]): string | undefined {
  const at = words.indexOf(flag);
  return at < 0 ? undefined : words[at + 1];
}

/**
 * The names that a monitor gives the container with an id. The program must be a file of the host called `conmon`.
 *
 * @param options.cgroup the path of the container's cgroup. Whoever can start a process that looks like the monitor of one container can
 *   make the look-ups hang, but not those for another.
 * @throws the system error if access to the process is denied.
 */
export async function namesByConmon(
  files: ProcessFiles,
  id: string,
  {
    cgroup,
    probes,
    hostRoot,
  }: { readonly cgroup: string; readonly probes: Pick<PathProbes, 'ask'>; readonly hostRoot: HostRoot },
): Promise<Names | undefined> {
  const link = files.link('exe');
  const [cmdline, exe] = [files.outside('cmdline'), files.outside('exe')];
  if (link === undefined || cmdline === undefined || exe === undefined) return undefined;
  const path = link.replace(/ \(deleted\)$/, '');
  if (nameOf(path) !== 'conmon') return undefined;
  const text = await probes.ask(cgroup, { look: 'text', path: cmdline.path, most: LONGEST }, cmdline.shownAs);
  const conmon = text.kind === 'value' ? parseConmon(text.value) : undefined;
  if (conmon?.id !== id) return undefined;
  // An update of Podman removes the program of running monitors. That it is outside of all containers must be enough.
  if (path !== link) return conmon.names;
  const root = hostRoot();
  if (root === undefined) return undefined;
  const [own, hosts] = await Promise.all([
    probes.ask(cgroup, { look: 'identity', path: exe.path }, exe.shownAs),
    probes.ask(cgroup, { look: 'identity', path: root + path }),
  ]);
  if (own.kind !== 'value' || hosts.kind !== 'value') return undefined;
  return own.value.dev === hosts.value.dev && own.value.ino === hosts.value.ino ? conmon.names : undefined;
}
