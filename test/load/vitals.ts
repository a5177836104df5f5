import { readdirSync, readFileSync } from 'node:fs';
import { absentAsUndefined } from '../../src/kernel/errno.ts';

/** What a process, and the processes that it has started, hold of the machine. */
export interface Vitals {
  /** Resident memory, in bytes: that of the process, and what the others have besides. */
  readonly memory: number;
  /** Open descriptors of the process. */
  readonly descriptors: number;
  /** Watches in its inotify instances. */
  readonly watches: number;
  readonly threads: number;
  /** Its processes, itself included. */
  readonly processes: number;
}

/** Reads them from procfs. @throws Error if the process has ended. */
export function vitalsOf(pid: number): Vitals {
  const children = childrenOf(pid);
  const memories = [residentBytes(pid, 'Rss'), ...children.map((child) => residentBytes(child, 'Anonymous'))];
  return {
    memory: memories.reduce((sum, bytes) => sum + bytes, 0),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    watches: watchesOf(pid),
    threads: readdirSync(`/proc/${pid}/task`).length,
    processes: 1 + children.length,
  };
}

/** CPU time of a process and its children so far, in ms. Threads and children that have ended do not count. */
export function cpuOf(pid: number): number {
  let nanoseconds = 0;
  for (const each of [pid, ...childrenOf(pid)]) {
    for (const task of absentAsUndefined(() => readdirSync(`/proc/${each}/task`)) ?? []) {
      const text = absentAsUndefined(() => readFileSync(`/proc/${each}/task/${task}/schedstat`, 'utf8'));
      nanoseconds += Number(text?.split(' ')[0] ?? 0);
    }
  }
  return nanoseconds / 1e6;
}

function childrenOf(pid: number): readonly number[] {
  const text = absentAsUndefined(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')) ?? '';
  return text.split(' ').filter(Boolean).map(Number);
}

/** 0 for a process that has ended. */
function residentBytes(pid: number, name: 'Rss' | 'Anonymous'): number {
  const text = absentAsUndefined(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? '';
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024;
}

/**
 * Counts the lines of /proc/<pid>/fdinfo/<fd> of inotify instances:
 *
 *     pos:	0
 *     flags:	02004000
 *     inotify wd:3 ino:9e7e sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 …
 */
function watchesOf(pid: number): number {
  let watches = 0;
  for (const descriptor of readdirSync(`/proc/${pid}/fdinfo`)) {
    const text = absentAsUndefined(() => readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1')) ?? '';
    watches += text.match(/^inotify wd:/gm)?.length ?? 0;
  }
  return watches;
}
