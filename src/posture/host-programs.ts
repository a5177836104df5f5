import type { ProcessFiles } from '../kernel/process-files.ts';
import { type FileIdentity, fileIdentity, isSameFile } from '../kernel/file-identity.ts';
import { mayWait } from '../kernel/file-system-types.ts';
import type { Mount } from '../kernel/mountinfo.ts';
import type { LookUps } from '../probes/look-ups.ts';
import type { Host } from './host.ts';
import type { MountTable } from './mount-table.ts';
import { nameOf } from '../kernel/paths.ts';
import { found } from './probed.ts';

/** The location of a process's program. */
export interface Program {
  /** The last part of its path. */
  readonly name: string;
  /** Whether it is a file of the host, which a container cannot replace with its own. `undefined`: unknown. */
  readonly ofHost: boolean | undefined;
}

/**
 * Where a host has its programs. Who can write here needs no disguise. Any other directory of the host may be mounted in
 * the container, which can then put a program of its own there, under the host's path.
 */
const PROGRAM_DIRECTORY = new RegExp(
  '^/(?:usr/|usr/local/)?(?:s?bin|lib(?:64|exec)?)/' +
    // NixOS and Guix, which nobody writes to
    '|^/(?:nix|gnu)/store/' +
    // GKE Sandbox
    '|^/home/containerd/(?:usr/local|opt/containerd)/s?bin/',
);

/** The process whose program to locate. */
export interface Running {
  readonly files: ProcessFiles;
  /** Whether it sees the host's files only, and none of a container. */
  readonly hostMnt: boolean | undefined;
  readonly table: MountTable;
  readonly host: Host;
  readonly lookUps: Pick<LookUps, 'ask'>;
  /** The mount of the process's root, if that is a host directory with a copy of the program. */
  readonly jail?: Pick<Mount, 'device' | 'root'> | undefined;
  readonly note: (error: Error) => void;
}

/**
 * Determines whether a process runs a program of the host: the file itself, not another file with the same name.
 *
 * @returns `undefined` if the process has ended.
 * @throws the system error if access is denied.
 */
export function programOf(running: Running): Program | undefined {
  const { files, hostMnt, table, host, lookUps, jail, note } = running;
  const link = files.link('exe');
  const exe = files.outside('exe');
  if (link === undefined || exe === undefined) return undefined;
  const path = link.replace(/ \(deleted\)$/, '');
  const name = nameOf(path);
  if (table.mayWait(path)) return { name, ofHost: undefined };
  const identity = found(lookUps.ask({ look: 'identity', path: exe.path }, exe.shownAs), exe, note);
  if (identity === 'absent') return undefined;
  if (identity === undefined) return { name, ofHost: undefined };
  const own = fileIdentity(identity);
  // The path is relative to the root of its mount, which is not always the host's root.
  const places = [{ device: own.device, root: path }];
  if (jail !== undefined) places.push({ device: jail.device, root: jail.root + path });
  const onHost = places.flatMap((place) => host.mounts?.pathsOfProgram(place) ?? []);
  const candidates = [...new Set([path, ...onHost])];
  const seen = candidates.map((candidate) => lookUp(candidate, running));
  const at = candidates.filter((_, nth) => {
    const file = seen[nth];
    return file !== 'unknown' && file !== undefined && isSameFile(file, own);
  });
  if (at.length > 0) {
    const isOutOfReach = hostMnt === true || jail !== undefined || at.some((each) => PROGRAM_DIRECTORY.test(each));
    return { name, ofHost: isOutOfReach ? true : undefined };
  }
  // A program that was replaced while it runs can no longer be found.
  return { name, ofHost: seen.includes('unknown') || path !== link ? undefined : false };
}

/** A host file by its path; `unknown` if the host's root cannot be reached from here, or access may hang. */
function lookUp(path: string, { host, lookUps, note }: Running): FileIdentity | 'unknown' | undefined {
  const { root, mounts } = host;
  if (root === undefined) return 'unknown';
  const mount = mounts?.at(path);
  if (mount !== undefined && mayWait(mount, (layer) => mounts?.at(layer))) return 'unknown';
  const at = root + path;
  const identity = found(lookUps.ask({ look: 'identity', path: at }, at), { shownAs: at }, note);
  if (identity === 'absent') return undefined;
  return identity === undefined ? 'unknown' : fileIdentity(identity);
}
