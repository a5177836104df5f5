import { closeSync, constants, type Dirent, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { type Bytes, textOf } from './bytes.ts';
import { isAbsence, namePath } from './errno.ts';
import { type FileIdentity, identityOf } from './file-identity.ts';
import type { FileReader } from './file-reader.ts';

/** The owner of a file. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permissions and file type, as from `stat`. */
  readonly mode: number;
}

/** The files of one process, never of a later one with the same pid: after its end, every read returns `undefined`. */
export class ProcessFiles {
  readonly pid: number;
  readonly #reader: FileReader;
  readonly #path: string;
  #directory: number | undefined;
  #closed = false;

  /** Use `KernelFiles.process`. `directory` is the open directory at the path; `undefined` if the budget is exhausted. */
  constructor(reader: FileReader, process: { pid: number; path: string; directory: number | undefined }) {
    this.#reader = reader;
    this.pid = process.pid;
    this.#path = process.path;
    this.#directory = process.directory;
  }

  /** The content of a file such as `stat` or `net/dev`; `undefined` if absent or the process has ended. */
  read(name: string): Bytes | undefined {
    return this.#named(name, (path) => this.#reader.readOnce(path));
  }

  /**
   * The same as text, for records of any length (those of `mountinfo` can span pages). Invalid UTF-8 becomes U+FFFD.
   */
  text(name: string): string | undefined {
    const bytes = this.#named(name, (path) => this.#reader.readOnce(path, 0));
    return bytes === undefined ? undefined : textOf(bytes);
  }

  /** The target of a link such as `ns/net`; `undefined` if absent or the process has ended. */
  link(name: string): string | undefined {
    return this.#named(name, (path) => readlinkSync(path));
  }

  /** The owner and permissions of a file such as `root/run/x.sock`; `undefined` as above. Does not follow a final link. */
  owner(name: string): FileOwner | undefined {
    return this.#named(name, (path) => {
      const { uid, gid, mode } = lstatSync(path);
      return { uid, gid, mode };
    });
  }

  /** The identity of the file that a name such as `exe` leads to; `undefined` as above. */
  identity(name: string): FileIdentity | undefined {
    return this.#named(name, identityOf);
  }

  /** The targets of the links in a directory such as `fd`; `undefined` as above. */
  links(name: string): string[] | undefined {
    const names = this.#named(name, (path) => readdirSync(path));
    return names?.flatMap((entry) => this.link(`${name}/${entry}`) ?? []);
  }

  /**
   * The names of block devices and directories in a directory such as `root/dev`; `undefined` as above. Follows no links, not
   * even to the directory itself: a container's link may lead anywhere.
   */
  nodes(name: string): { readonly blockDevices: string[]; readonly directories: string[] } | undefined {
    return this.#named(name, (path) => {
      const entries = entriesOf(path);
      const namesOf = (kind: (entry: Dirent) => boolean): string[] => entries.filter(kind).map((entry) => entry.name);
      return {
        blockDevices: namesOf((entry) => entry.isBlockDevice()),
        directories: namesOf((entry) => entry.isDirectory()),
      };
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#directory === undefined) return;
    this.#reader.release(this.#directory);
    this.#directory = undefined;
  }

  /** Reads through a path that only leads to this process. */
  #named<T>(name: string, read: (path: string) => T): T | undefined {
    if (this.#closed) return undefined;
    // Like `openat`, through the descriptor's own link. Beyond the budget there is no descriptor, and the pid is used.
    const directory = this.#directory === undefined ? this.#path : `/proc/self/fd/${this.#directory}`;
    try {
      return read(`${directory}/${name}`);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      // Readers of the log need the pid, not the number of a descriptor.
      throw namePath(error, `${this.#path}/${name}`);
    }
  }
}

function entriesOf(path: string): Dirent[] {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    return readdirSync(`/proc/self/fd/${directory}`, { withFileTypes: true });
  } finally {
    closeSync(directory);
  }
}
