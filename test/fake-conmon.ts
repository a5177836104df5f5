import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

/** A process that looks like Podman's monitor, and its child, the container's init. */
export interface FakeConmon {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly child: number;
}

/**
 * Starts a copy of bash with the command line of a monitor and a child.
 *
 * @param options.program the name of the program's file.
 * @param options.before words before the command, such as those that make a pid namespace.
 */
export async function startConmon(
  directory: string,
  words: readonly string[],
  { program = 'conmon', before = [] }: { readonly program?: string; readonly before?: readonly string[] } = {},
): Promise<FakeConmon> {
  const file = join(mkdtempSync(join(directory, 'bin-')), program);
  copyFileSync('/bin/bash', file);
  const [command = file, ...more] = [...before, file, '-s', '--', ...words];
  const process = spawn(command, more, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  process.stdin?.end('sleep 1000 & wait\n');
  const pid = await vi.waitFor(() => withComm(program, process.pid ?? 0), { timeout: 10_000 });
  const child = await vi.waitFor(() => childOf(pid), { timeout: 10_000 });
  return { process, pid, child };
}

/** The process itself, or its child behind `unshare`. */
function withComm(name: string, pid: number): number {
  const comm = (of: number): string => readFileSync(`/proc/${of}/comm`, 'utf8').trim();
  const found = [pid, ...childrenOf(pid)].find((each) => comm(each) === name.slice(0, 15));
  if (found === undefined) throw new Error(`No ${name} yet`);
  return found;
}

function childOf(pid: number): number {
  const child = childrenOf(pid).find((each) => readFileSync(`/proc/${each}/comm`, 'utf8') === 'sleep\n');
  if (child === undefined) throw new Error('No child yet');
  return child;
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}
