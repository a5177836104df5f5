import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
export const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function run(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ending> {
  const [program = '', ...argv] = words;
  const child = spawn(program, argv, {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/** A command that scans a captured host, without the engines of this machine. */
export function scanOf(host: string, ...options: readonly string[]): readonly string[] {
  const paths = [`--path.procfs=${FIXTURES}/${host}/proc`, `--path.cgroupfs=${FIXTURES}/${host}/cgroup`];
  return [
    process.execPath,
    PROGRAM,
    'scan',
    ...paths,
    '--docker.host=',
    '--podman.host=',
    '--cri.endpoint=',
    ...options,
  ];
}
