import { readdirSync, readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';

/** The numbers of system calls, by architecture. */
const CALLS: Readonly<Record<string, Readonly<Record<'exit' | 'prctl' | 'getpid' | 'ptrace', number>>>> = {
  x64: { exit: 60, prctl: 157, getpid: 39, ptrace: 101 },
  arm64: { exit: 93, prctl: 167, getpid: 172, ptrace: 117 },
};

const PTRACE_SEIZE = 0x4206;

/** How a process loses its first thread. */
export type Ending =
  /** It ends. */
  | 'exit'
  /** Seccomp kills it, which leaves a mode of its own in the status. */
  | 'seccomp'
  /** It ends, and so does the second one, which stays as a zombie because somebody traces it. */
  | 'traced';

/** A command whose first thread ends while another one lives. With `traced`, it is its child. */
export function withoutFirstThread(ending: Ending): readonly [command: string, ...words: string[]] {
  const calls = CALLS[process.arch];
  if (calls === undefined) throw new Error(`The numbers of system calls on ${process.arch} are unknown`);
  const { exit, prctl, getpid, ptrace } = calls;
  const live = 'threads->create(sub { sleep 1000 });';
  const scripts: Readonly<Record<Ending, string>> = {
    exit: `${live} syscall(${exit}, 0)`,
    seccomp: `${live} syscall(${prctl}, 22, 1, 0, 0, 0); syscall(${getpid})`,
    traced: `
      pipe my $from, my $to;
      my $child = fork;
      if (!$child) {
        close $to;
        threads->create(sub { sysread $from, my $byte, 1; syscall(${exit}, 0) });
        ${live}
        sysread $from, my $byte, 1;
        syscall(${exit}, 0);
      }
      my @threads;
      until (@threads == 3) { @threads = sort { $a <=> $b } map { m{(\\d+)$} } glob "/proc/$child/task/*" }
      syscall(${ptrace}, ${PTRACE_SEIZE}, int $threads[1], 0, 0) == 0 or die $!;
      close $to;
      sleep 1000;`,
  };
  return ['perl', '-Mthreads', '-e', scripts[ending]];
}

/** Waits until only the last thread of such a process lives. */
export function lastThreadLeft(pid: number, ending: Ending): Promise<number> {
  const threads = ending === 'traced' ? 3 : 2;
  return vi.waitFor(
    () => {
      const states = readdirSync(`/proc/${pid}/task`).map(
        (id) => /^State:\t(.)/m.exec(readFileSync(`/proc/${pid}/task/${id}/status`, 'utf8'))?.[1],
      );
      expect(states).toHaveLength(threads);
      expect(states.filter((state) => state === 'Z')).toHaveLength(threads - 1);
      return pid;
    },
    { timeout: 10_000, interval: 20 },
  );
}
