import { textOf } from './bytes.ts';
import type { FileReader } from './file-reader.ts';

/** The command line is not known yet. Ask again in a moment. */
export const PENDING = Symbol('pending');

/** A process whose command line is asked for. */
export interface CommandLineOwner {
  /** The path of the cgroup for which the process is inspected. */
  readonly cgroup: string;
  readonly pid: number;
  /** In seconds since boot. Together with the pid, the start time distinguishes the process from later ones. */
  readonly start: number;
}

/**
 * Command lines of processes: `/proc/<pid>/cmdline`, words that end with NUL. To render it, the kernel takes the lock
 * of the process's memory. A page fault on a FUSE mapping can hold that lock for as long as the FUSE server likes. The
 * caller therefore chooses the implementation that reads command lines.
 */
export interface CommandLines {
  /**
   * The command line; `undefined` if there is no such process, or if it cannot be found out.
   *
   * @param maxAgeMs the maximum age of an answer; any age if not given.
   */
  of(owner: CommandLineOwner, maxAgeMs?: number): string | typeof PENDING | undefined;
  /** How many times `of` has returned {@link PENDING} so far. */
  readonly pending: number;
  /** Resolves once all command lines that were pending are known. */
  settled(): Promise<void>;
}

/** Reads command lines immediately. For commands that may be kept waiting, and for tests. */
export function directCommandLines(reader: FileReader, procRoot: string): CommandLines {
  return {
    of({ pid }) {
      const bytes = reader.readOnce(`${procRoot}/${pid}/cmdline`, 0);
      return bytes === undefined ? undefined : textOf(bytes);
    },
    pending: 0,
    settled: () => Promise.resolve(),
  };
}
