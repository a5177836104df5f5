import type { CgroupMatch } from '../container.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { RUNTIMES } from './cgroup-patterns.ts';
import { commandLineOfEngine, parentsOf } from './shim.ts';

/** Of a program, with its directory or not, and of a process: none has more than 15 bytes. */
const RUNTIME = new RegExp(`^(?:[^\\0]*/)?(${RUNTIMES.join('|')})$`);

/**
 * The container that a runtime runs in the foreground without an engine, by the command line of the runtime, the parent of its first
 * process (`/proc/<pid>/cmdline`, words that end with NUL):
 *
 *     runc run web
 *     /usr/bin/crun --log /run/web.log run --bundle /srv/web web
 *
 * Engines use `create` and `start`. A runtime that has detached its container has ended, see `runtimeByState`.
 */
export function runtimeOf(
  kernel: KernelFiles,
  pids: readonly number[],
  cgroup: string,
): Pick<CgroupMatch, 'engine' | 'id'> | undefined {
  for (const pid of parentsOf(kernel, pids)) {
    const [program = '', ...words] = commandLineOfEngine(kernel, { pid, cgroup, isName: RUNTIME }).split('\0');
    const engine = RUNTIME.exec(program)?.[1];
    const id = words.at(-2);
    if (engine !== undefined && id !== undefined && words.slice(0, -2).includes('run')) return { engine, id };
  }
  return undefined;
}
