import { closeSync, constants, type Dirent, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { type Bytes, textOf } from './bytes.ts';
import { isAbsence, namePath } from './errno.ts';
import { type FileIdentity, identityOf } from './file-identity.ts';
import type { FileReader } from './file-reader.ts';

/** Whose a file is. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  /** The permissions and the kind, as `stat` has them. */
  readonly mode: number;
}

/** The files of one process. They stay this process's: once it has ended, every read answers `undefined`. */
export class ProcessFiles {
  readonly pid: number;
  readonly #reader: FileReader;
  readonly #path: string;
  #directory: number | undefined;
  #closed = false;

  /** Use `KernelFiles.process`. The directory at the path is open; `undefined`: the budget is used up. */
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
   * The same as text, however long its records are (those of `mountinfo` can be pages long); bytes that are not UTF-8 become
   * U+FFFD.
   */
  text(name: string): string | undefined {
    const bytes = this.#named(name, (path) => this.#reader.readOnce(path, 0));
    return bytes === undefined ? undefined : textOf(bytes);
  }

  /** What a link such as `ns/net` points to; `undefined` if absent or the process has ended. */
  link(name: string): string | undefined {
    return this.#named(name, (path) => readlinkSync(path));
  }

  /** Whose a file below such as `root/run/x.sock` is, and who may use it; `undefined` as above. A link is not followed. */
  owner(name: string): FileOwner | undefined {
    return this.#named(name, (path) => {
      const { uid, gid, mode } = lstatSync(path);
      return { uid, gid, mode };
    });
  }

  /** Which file a name such as `exe` leads to; `undefined` as above. */
  identity(name: string): FileIdentity | undefined {
    return this.#named(name, identityOf);
  }

  /** Where the links in a directory such as `fd` lead; `undefined` as above. */
  links(name: string): string[] | undefined {
    const names = this.#named(name, (path) => readdirSync(path));
    return names?.flatMap((entry) => this.link(`${name}/${entry}`) ?? []);
  }

  /**
   * The names of the block devices and the directories in a directory such as `root/dev`; `undefined` as above. A link is
   * not followed, neither there nor to the directory itself: in a container it may lead anywhere.
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

  /** Reads by a path that leads to this process only. */
  #named<T>(name: string, read: (path: string) => T): T | undefined {
    if (this.#closed) return undefined;
    // `openat` by way of the descriptor's own link; over budget there is no descriptor and the pid must do.
    const directory = this.#directory === undefined ? this.#path : `/proc/self/fd/${this.#directory}`;
    try {
      return read(`${directory}/${name}`);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      // The descriptor's number means nothing to a reader of the log.
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
