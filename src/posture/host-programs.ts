import { absentAsUndefined, errnoOf, isDenied } from '../kernel/errno.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import { type FileIdentity, identityOf, isSameFile } from '../kernel/file-identity.ts';
import type { Mount } from '../kernel/mountinfo.ts';
import type { Host } from './host.ts';
import type { MountTable } from './mount-table.ts';
import { nameOf } from '../kernel/paths.ts';

/** Where the program of a process is. */
export interface Program {
  /** The last part of its path. */
  readonly name: string;
  /** Whether it is a file of the host, which no container can put in place of its own. `undefined`: not to be told. */
  readonly ofHost: boolean | undefined;
}

/**
 * Finds out whether a process runs a program of the host: the file that it runs, and not just one of that name.
 *
 * @param jail what is mounted as its root, if that is a directory of the host into which its program was copied.
 * @returns `undefined` if it has ended.
 * @throws the system error if it may not be looked at.
 */
export function programOf(
  files: ProcessFiles,
  table: MountTable,
  host: Host,
  jail?: Pick<Mount, 'device' | 'root'>,
): Program | undefined {
  const link = files.link('exe');
  if (link === undefined) return undefined;
  const path = link.replace(/ \(deleted\)$/, '');
  const name = nameOf(path);
  if (table.mayHang(path)) return { name, ofHost: undefined };
  const own = files.identity('exe');
  if (own === undefined) return undefined;
  // The path is from the root of the mount that it is on, which is not always the root of the host.
  const places = [{ device: own.device, root: path }];
  if (jail !== undefined) places.push({ device: jail.device, root: jail.root + path });
  const onHost = places.flatMap((place) => host.mounts?.pathsOfProgram(place) ?? []);
  const found = [path, ...onHost].map((candidate) => lookUp(candidate, host));
  const isThere = found.some((file) => file !== 'unknown' && file !== undefined && isSameFile(file, own));
  return {
    name,
    // One that was replaced while it runs can no longer be found.
    ofHost: isThere ? true : found.includes('unknown') || path !== link ? undefined : false,
  };
}

/** A file of the host by its path there; `unknown` if the host's root cannot be reached from here. */
function lookUp(path: string, { root }: Host): FileIdentity | 'unknown' | undefined {
  if (root === undefined) return 'unknown';
  try {
    return absentAsUndefined(() => identityOf(root + path));
  } catch (error) {
    if (isDenied(error)) return 'unknown';
    // A path of another mount can lead through a file here.
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
