import { constants, lstatSync, readlinkSync } from 'node:fs';
import { textOf } from './bytes.ts';
import { CgroupFiles } from './cgroup-files.ts';
import type { CgroupLayout } from './cgroup-layout.ts';
import { type CommandLines, directCommandLines } from './command-lines.ts';
import { absentAsUndefined } from './errno.ts';
import { FileReader, MISSING } from './file-reader.ts';
import { KeptFile } from './kept-file.ts';
import { ProcessFiles } from './process-files.ts';

/** The host's pseudo-files: procfs, cgroups and processes. */
export class KernelFiles {
  readonly procRoot: string;
  readonly layout: CgroupLayout;
  readonly commandLines: CommandLines;
  readonly #reader: FileReader;

  /**
   * @param options.descriptorBudget how many files may stay open. Beyond that, reads are slower but still correct.
   * @param options.commandLines how to read command lines; by default they are read immediately.
   */
  constructor(options: {
    readonly procRoot: string;
    readonly layout: CgroupLayout;
    readonly descriptorBudget: number;
    readonly commandLines?: CommandLines;
  }) {
    this.procRoot = options.procRoot;
    this.layout = options.layout;
    this.#reader = new FileReader(options.descriptorBudget);
    this.commandLines = options.commandLines ?? directCommandLines(this.#reader, options.procRoot);
  }

  /** How many kept descriptors are open. */
  get open(): number {
    return this.#reader.open;
  }

  /** How often a file was opened by its path so far. */
  get openings(): number {
    return this.#reader.openings;
  }

  /**
   * The files of one cgroup, by its path in the hierarchy of discovery. Close it when the cgroup is gone.
   *
   * @param inode in that hierarchy, for a cgroup that must not be mistaken for a later one at the same path.
   */
  cgroup(path: string, inode?: number): CgroupFiles {
    return new CgroupFiles(this.#reader, this.layout, { path, inode });
  }

  /** The files of one process; `undefined` if there is no such process. Close it when done. */
  process(pid: number): ProcessFiles | undefined {
    const path = `${this.procRoot}/${pid}`;
    // With the directory open, later lookups can only reach this process: after its end they answer ESRCH.
    const directory = this.#reader.acquire(path, constants.O_DIRECTORY);
    return directory === MISSING ? undefined : new ProcessFiles(this.#reader, { pid, path, directory });
  }

  /** A file of the host such as `vmstat` or `sys/kernel/osrelease`, as text; `undefined` if absent. */
  proc(name: string): string | undefined {
    // The records of a mount table can span pages.
    const complete = name.endsWith('mountinfo') ? 0 : undefined;
    const bytes = this.#reader.readOnce(`${this.procRoot}/${name}`, complete);
    return bytes === undefined ? undefined : textOf(bytes);
  }

  /**
   * A file of the host for frequent reading. Close it when done.
   *
   * @param complete a read shorter than this is complete, in bytes. By default a value for records of up to 512 bytes.
   */
  kept(name: string, complete?: number): KeptFile {
    return new KeptFile(this.#reader, `${this.procRoot}/${name}`, complete);
  }

  /** The target of a link in the host's procfs such as `self/ns/mnt`; `undefined` if absent. */
  link(name: string): string | undefined {
    return absentAsUndefined(() => readlinkSync(`${this.procRoot}/${name}`));
  }

  /** Whether the host's procfs has a file. */
  hasProc(name: string): boolean {
    return absentAsUndefined(() => lstatSync(`${this.procRoot}/${name}`)) !== undefined;
  }
}
