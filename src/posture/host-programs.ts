import type { ProcessFiles } from '../kernel/process-files.ts';
import { type FileIdentity, fileIdentity, isSameFile } from '../kernel/file-identity.ts';
import { mayWait } from '../kernel/file-system-types.ts';
import type { Mount } from '../kernel/mountinfo.ts';
import type { LookUps } from '../probes/look-ups.ts';
import type { Host } from './host.ts';
import type { MountTable } from './mount-table.ts';
import { nameOf } from '../kernel/paths.ts';
import { found } from './probed.ts';

/** Where the program of a process is. */
export interface Program {
  /** The last part of its path. */
  readonly name: string;
  /** Whether it is a file of the host, which no container can put in place of its own. `undefined`: unknown. */
  readonly ofHost: boolean | undefined;
}

/** A process whose program is looked for. */
export interface Running {
  readonly files: ProcessFiles;
  readonly table: MountTable;
  readonly host: Host;
  readonly lookUps: Pick<LookUps, 'ask'>;
  /** What is mounted as its root, if that is a directory of the host into which its program was copied. */
  readonly jail?: Pick<Mount, 'device' | 'root'> | undefined;
  readonly denied: (error: Error) => void;
}

/**
 * Finds out whether a process runs a program of the host: the file that it runs, and not just one of that name.
 *
 * @returns `undefined` if it has ended.
 * @throws the system error if it may not be looked at.
 */
export function programOf(running: Running): Program | undefined {
  const { files, table, host, lookUps, jail, denied } = running;
  const link = files.link('exe');
  const exe = files.outside('exe');
  if (link === undefined || exe === undefined) return undefined;
  const path = link.replace(/ \(deleted\)$/, '');
  const name = nameOf(path);
  if (table.mayWait(path)) return { name, ofHost: undefined };
  const identity = found(lookUps.ask({ look: 'identity', path: exe.path }, exe.shownAs), exe, denied);
  if (identity === 'absent') return undefined;
  if (identity === undefined) return { name, ofHost: undefined };
  const own = fileIdentity(identity);
  // The path is from the root of the mount that it is on, which is not always the root of the host.
  const places = [{ device: own.device, root: path }];
  if (jail !== undefined) places.push({ device: jail.device, root: jail.root + path });
  const onHost = places.flatMap((place) => host.mounts?.pathsOfProgram(place) ?? []);
  const seen = [...new Set([path, ...onHost])].map((candidate) => lookUp(candidate, running));
  const isThere = seen.some((file) => file !== 'unknown' && file !== undefined && isSameFile(file, own));
  return {
    name,
    // One that was replaced while it runs can no longer be found.
    ofHost: isThere ? true : seen.includes('unknown') || path !== link ? undefined : false,
  };
}

/** A file of the host by its path there; `unknown` if the host's root cannot be reached from here, or may keep us waiting. */
function lookUp(path: string, { host, lookUps, denied }: Running): FileIdentity | 'unknown' | undefined {
  const { root, mounts } = host;
  if (root === undefined) return 'unknown';
  const mount = mounts?.at(path);
  if (mount !== undefined && mayWait(mount, (layer) => mounts?.at(layer))) return 'unknown';
  const at = root + path;
  const identity = found(lookUps.ask({ look: 'identity', path: at }, at), { shownAs: at }, denied);
  if (identity === 'absent') return undefined;
  return identity === undefined ? 'unknown' : fileIdentity(identity);
}
