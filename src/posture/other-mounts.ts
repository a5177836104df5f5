import { textOf } from '../kernel/bytes.ts';
import { hasOption, type Mount } from '../kernel/mountinfo.ts';
import { parentOf } from '../kernel/paths.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import { MountTable } from './mount-table.ts';
import { isChrooted } from './chrooted.ts';
import { orUnknown } from './or-unknown.ts';
import type { ProcessPosture } from './posture.ts';

/** How many mount namespaces of a container are looked at. One that runs a whole system has one for each of some services. */
const MOST_TABLES = 64;

/** How many processes are opened for that: those that have changed their root do not show all mounts. */
const MOST_OPENED = 2 * MOST_TABLES;

/** The maximum length of the mount table of one, in bytes. */
const LONGEST_TABLE = 64 * 1024;

/** A process of a container with other mounts than the init. */
export interface OtherMounts {
  readonly files: ProcessFiles;
  readonly process: ProcessPosture;
  readonly table: MountTable;
  /** Its mounts that show what no process before it shows. */
  readonly news: readonly Mount[];
}

/**
 * The mounts that the init of a container does not have, but another of its processes: an init can enter another mount namespace and
 * leave a mount of the host behind. Most mounts in such a namespace are copies.
 *
 * @param filesOf opens the files of a process.
 * @returns with `complete: false` if there may be more of them.
 */
export function otherMounts(
  own: MountTable,
  init: Pick<ProcessPosture, 'mnt'>,
  byPid: ReadonlyMap<number, ProcessPosture | undefined>,
  filesOf: (pid: number) => ProcessFiles | undefined,
): { readonly others: readonly OtherMounts[]; readonly complete: boolean } {
  /** The mount namespaces, and whether their mounts are known. */
  const seen = new Map([[init.mnt, true]]);
  let known: Shown | undefined;
  const others: OtherMounts[] = [];
  let opened = 0;
  for (const [pid, process] of byPid) {
    // Without the right to read namespaces, that is unknown already. One with the mounts of the host has escaped.
    if (process?.mnt === undefined || init.mnt === undefined || process.hostMnt === true) continue;
    if (seen.get(process.mnt) === true) continue;
    if (opened === MOST_OPENED || (seen.size > MOST_TABLES && !seen.has(process.mnt)))
      return { others, complete: false };
    opened += 1;
    const files = filesOf(pid);
    const table = files && tableOf(files);
    // It may have ended, and another process may be there, too.
    if (files === undefined || (table === undefined && files.text('stat') === undefined)) continue;
    seen.set(process.mnt, table?.complete === true);
    if (table === undefined) continue;
    known ??= new Shown(own);
    const news = known.add(table);
    if (news.length > 0) others.push({ files, process, table, news });
  }
  return { others, complete: [...seen.values()].every(Boolean) };
}

/** `undefined` if the table is too long, or cannot be read: then that of the init cannot be read either. */
function tableOf(files: ProcessFiles): MountTable | undefined {
  return orUnknown(
    () => {
      const bytes = files.mountinfo(LONGEST_TABLE);
      return bytes && new MountTable(textOf(bytes), undefined, isChrooted(files));
    },
    () => {},
  );
}

/** What mounts show: parts of file systems, writable or not. */
class Shown {
  readonly #all = new Set<string>();
  readonly #writable = new Set<string>();

  constructor(table: MountTable) {
    this.add(table);
  }

  /** Adds mounts. Returns those that show what was not known, or only as read-only. */
  add({ all }: MountTable): readonly Mount[] {
    const news = all.filter((mount) => !includes(isReadOnly(mount) ? this.#all : this.#writable, mount));
    for (const mount of all) {
      this.#all.add(keyOf(mount.device, mount.root));
      if (!isReadOnly(mount)) this.#writable.add(keyOf(mount.device, mount.root));
    }
    return news;
  }
}

/** Whether a directory or one above it is shown. */
function includes(shown: ReadonlySet<string>, { device, root }: Mount): boolean {
  for (let path = root; ; path = parentOf(path)) {
    if (shown.has(keyOf(device, path === '' ? '/' : path))) return true;
    // The root of some file systems is no path: `net:[4026531840]`.
    if (path === '/' || !path.startsWith('/')) return false;
  }
}

function keyOf(device: string, root: string): string {
  return `${device} ${root}`;
}

function isReadOnly({ options, superOptions }: Mount): boolean {
  return hasOption(options, 'ro') || hasOption(superOptions, 'ro');
}
