import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_TIMEOUT_MS, eventually } from './machine.ts';
import type { Background, Machine, Outcome } from './machine.ts';

/** The machine that the tests run on. */
export const host: Machine = { name: 'the host', slowness: 1, run, start };

async function run(script: string, options: { readonly timeoutMs?: number } = {}): Promise<Outcome> {
  const { child, output, close } = await bash(script);
  const timeout = setTimeout(() => killGroup(child, 'SIGKILL'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  await ended(child);
  clearTimeout(timeout);
  const outcome = { ...output(), code: exitCodeOf(child) ?? 137 };
  close();
  return outcome;
}

async function start(script: string): Promise<Background> {
  const { child, output } = await bash(script);
  const stop = async () => {
    killGroup(child, 'SIGTERM');
    try {
      await eventually('a background script ends', () => exitCodeOf(child), { timeoutMs: 10_000, everyMs: 20 });
    } catch {
      killGroup(child, 'SIGKILL');
      await ended(child);
    }
  };
  return {
    output: async () => output(),
    exitCode: async () => exitCodeOf(child),
    kill: async (signal) => killGroup(child, signal),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A bash that leads its own process group, so that a signal reaches everything it starts. */
async function bash(script: string): Promise<{ child: ChildProcess; output: () => Streams; close: () => void }> {
  // Files, not pipes: a daemon that the script leaves behind would hold a pipe open.
  const [stdout, stderr] = [nameless(), nameless()];
  const child = spawn('bash', ['-c', script], { detached: true, stdio: ['ignore', stdout, stderr] });
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', resolve);
  });
  return {
    child,
    output: () => ({ stdout: contentOf(stdout), stderr: contentOf(stderr) }),
    close: () => {
      closeSync(stdout);
      closeSync(stderr);
    },
  };
}

interface Streams {
  readonly stdout: string;
  readonly stderr: string;
}

/** A file that disappears as soon as nobody has it open. */
function nameless(): number {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-output-'));
  const descriptor = openSync(join(directory, 'output'), 'a+');
  rmSync(directory, { recursive: true });
  return descriptor;
}

function contentOf(descriptor: number): string {
  const buffer = Buffer.alloc(fstatSync(descriptor).size);
  return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, 0));
}

function ended(child: ChildProcess): Promise<void> {
  if (exitCodeOf(child) !== undefined) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
  });
}

function exitCodeOf(child: ChildProcess): number | undefined {
  return child.exitCode ?? (child.signalCode === null ? undefined : 137);
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The process has already ended.
  }
}
