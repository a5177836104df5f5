import { constants, fstatSync, lstatSync, opendirSync, readlinkSync } from 'node:fs';
import { type Bytes, textOf } from './bytes.ts';
import { errnoOf, isAbsence, namePath } from './errno.ts';
import { type FileReader, MISSING } from './file-reader.ts';
import { readText } from './read-text.ts';

/** `O_PATH`, which Node does not name: a descriptor for `fstat` alone, which needs no permission on the directory. */
const O_PATH = 0o10000000;

/** The files of one process, never of a later one with the same pid: after its end, every read returns `undefined`. */
export class ProcessFiles {
  readonly pid: number;
  readonly #reader: FileReader;
  readonly #path: string;
  #directory: number | undefined;
  /** The directory of a thread below that of the process, with a slash; empty for the process itself. */
  #thread = '';
  /** The directory `fd`. It stays open, because opening it by its path costs ten times as much. */
  #fd: number | undefined;
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

  /** The content as text. Invalid UTF-8 becomes U+FFFD. */
  text(name: string): string | undefined {
    const bytes = this.read(name);
    return bytes === undefined ? undefined : textOf(bytes);
  }

  /**
   * The content of `mountinfo`, whose records can span pages; `undefined` also for a zombie, which has none.
   *
   * @param longest in bytes.
   * @throws the system error; EFBIG for a file longer than `longest`.
   */
  mountinfo(longest: number): Bytes | undefined {
    try {
      return this.#named('mountinfo', (path) => this.#reader.readOnce(path, 0, longest));
    } catch (error) {
      if (errnoOf(error) === 'EINVAL') return undefined;
      throw error;
    }
  }

  /** The target of a link such as `ns/net`; `undefined` if absent or the process has ended. */
  link(name: string): string | undefined {
    return this.#named(name, (path) => readlinkSync(path));
  }

  /**
   * The size of the directory `fd`: its number of open files since Linux 6.2, 0 before. `undefined` if the process has ended, or the
   * thread that is read: it has no files any more, while those of the other threads stay open.
   */
  sizeOfFd(): number | undefined {
    const size = this.#sizeOfFd();
    if (size !== 0) return size;
    const stat = this.text('stat');
    return stat === undefined || hasEnded(stat) ? undefined : size;
  }

  #sizeOfFd(): number | undefined {
    return this.#named('fd', (path) => {
      if (this.#fd === undefined) {
        const descriptor = this.#reader.acquire(path, O_PATH | constants.O_DIRECTORY);
        if (descriptor === undefined) return lstatSync(path).size;
        if (descriptor === MISSING) return undefined;
        this.#fd = descriptor;
      }
      return fstatSync(this.#fd).size;
    });
  }

  /**
   * The path at which another process of the same user finds a file such as `root/run/docker.sock`, as long as this
   * object is open. The container controls the targets of `root`, `cwd` and `exe`. A reader may hang there for ever, so
   * this process never reads the path itself. `undefined` once closed.
   */
  outside(name: string): { readonly path: string; readonly shownAs: string } | undefined {
    if (this.#closed) return undefined;
    const within = this.#thread + name;
    const shownAs = `${this.#path}/${within}`;
    if (this.#directory === undefined) return { path: shownAs, shownAs };
    return { path: `/proc/${process.pid}/fd/${this.#directory}/${within}`, shownAs };
  }

  /**
   * Reads on through another living thread than the first, or than the one that was read so far. If the first has ended, the kernel
   * shows the process as a zombie without namespaces, mounts and files, although it goes on.
   *
   * @returns whether there is one; if not, the files are those of the process again.
   */
  useOtherThread(): boolean {
    this.#thread = '';
    if (this.#fd !== undefined) this.#reader.release(this.#fd);
    this.#fd = undefined;
    const other = this.#named('task', (path) => livingThread(path, this.pid));
    if (other === undefined) return false;
    this.#thread = `task/${other}/`;
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const descriptor of [this.#directory, this.#fd])
      if (descriptor !== undefined) this.#reader.release(descriptor);
    this.#directory = undefined;
    this.#fd = undefined;
  }

  /** Reads through a path that leads only to this process, never to a later one with the same pid. */
  #named<T>(name: string, read: (path: string) => T): T | undefined {
    if (this.#closed) return undefined;
    // Like `openat`, through the descriptor's own link. Beyond the budget there is no descriptor, and the pid is used.
    const directory = this.#directory === undefined ? this.#path : `/proc/self/fd/${this.#directory}`;
    const within = this.#thread + name;
    try {
      return read(`${directory}/${within}`);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      // Readers of the log need the pid, not the number of a descriptor.
      throw namePath(error, `${this.#path}/${within}`);
    }
  }
}

/** How many threads are tried. A process can have many thousands, and nearly always the second lives. */
const MOST_THREADS = 64;

/** Whether a thread is a zombie, from its `stat`: `2231 (sleep) Z 2201 …`. */
function hasEnded(stat: string): boolean {
  // The name in parentheses may contain anything.
  return /^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')));
}

/**
 * A thread in a directory `task` that lives and is not the first of the process. Others stay as zombies only if somebody traces them
 * and does not wait for them, as a container can do to its own.
 */
function livingThread(tasks: string, pid: number): string | undefined {
  const directory = opendirSync(tasks, { bufferSize: 4 });
  try {
    for (let tried = 0; tried < MOST_THREADS; tried += 1) {
      const entry = directory.readSync();
      if (entry === null) return undefined;
      if (entry.name === String(pid)) continue;
      const stat = readText(`${tasks}/${entry.name}/stat`);
      if (stat !== undefined && !hasEnded(stat)) return entry.name;
    }
    return undefined;
  } finally {
    directory.closeSync();
  }
}
