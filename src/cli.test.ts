import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Replaces the daemon. An environment variable controls what it does. */
const SERVE = `
import { createServer } from 'node:http';
export async function serve(config, { log, signal }) {
  const kind = process.env.STUB;
  if (kind === 'fail') throw new Error('Cannot listen on :1:\\n address already in use\\u001b[2J');
  const server = createServer().listen(0, '127.0.0.1');
  log.info({ collectors: config.collectors }, 'serving');
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  if (kind === 'hang') await new Promise(() => {});
  if (kind === 'leak') return;
  if (kind === 'throw') signal.throwIfAborted();
  server.close();
}
`;

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder = '';

// The real program, except for the daemon and the collectors.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-cli-'));
  for (const name of ['collectors', 'commands', 'kernel']) mkdirSync(join(folder, 'src', name), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'src'))) {
    if (/^(cli|log|standard-error|version)\.ts$/.test(name))
      copyFileSync(join(ROOT, 'src', name), join(folder, 'src', name));
  }
  for (const name of ['config', 'terminal']) {
    cpSync(join(ROOT, 'src', name), join(folder, 'src', name), { recursive: true });
  }
  copyFileSync(join(ROOT, 'src/kernel/errno.ts'), join(folder, 'src/kernel/errno.ts'));
  writeFileSync(join(folder, 'src/collectors/index.ts'), `export const collectors = [{ name: 'cpu', help: 'CPU.' }];`);
  writeFileSync(join(folder, 'src/commands/serve.ts'), SERVE);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "name": "isolation-exporter", "version": "1.2.3" }');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});

afterAll(() => rmSync(folder, { recursive: true }));

type Child = ChildProcessByStdio<null, Readable, Readable>;

function start(argv: readonly string[], environment: Record<string, string> = {}): Child {
  return spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...argv], {
    cwd: folder,
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ending(child: Child): Promise<Ending> {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

const run = (argv: readonly string[], environment?: Record<string, string>): Promise<Ending> =>
  ending(start(argv, environment));

/** Starts the daemon, waits until it serves, and sends signals one after the other. */
async function interrupt(stub: string, signals: readonly NodeJS.Signals[]): Promise<Ending> {
  const child = start([], { STUB: stub });
  const end = ending(child);
  for (const signal of signals) {
    await once(child.stderr, 'data');
    child.kill(signal);
  }
  return end;
}

describe.concurrent('the command', { timeout: 30_000 }, () => {
  test('shows its version', async () => {
    const { code, stdout, stderr } = await run(['--version']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`isolation-exporter 1.2.3 (node ${process.version}, ${process.platform} ${process.arch})\n`);
  });

  test('shows its help', async () => {
    const { code, stdout, stderr } = await run(['-h']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: isolation-exporter \[options\] \[command\]\n/);
  });

  test('refuses an unknown option', async () => {
    expect(await run(['--log.levle=debug'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "isolation-exporter: unknown option '--log.levle' (Did you mean --log.level?)\n",
    });
  });

  test('refuses a wrong value in the environment', async () => {
    expect(await run([], { ISOLATION_EXPORTER_LOG_FORMAT: 'xml' })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'isolation-exporter: ISOLATION_EXPORTER_LOG_FORMAT: expected logfmt or json, not "xml"\n',
    });
  });

  test('prints one line on why it cannot start', async () => {
    expect(await run([], { STUB: 'fail' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'isolation-exporter: Cannot listen on :1: address already in use\ufffd[2J\n',
    });
  });

  test('warns of an unknown variable', async () => {
    const { stderr } = await run([], { STUB: 'fail', ISOLATION_EXPORTER_LOGLEVEL: 'debug' });
    expect(stderr).toContain('msg="ignoring unknown environment variables" variables=ISOLATION_EXPORTER_LOGLEVEL');
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('stops at %s', async (signal) => {
    const { code, stderr } = await interrupt('', [signal]);
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`msg=serving collectors=cpu\\n.* msg=stopping signal=${signal}\\n$`));
  });

  test('treats the abort as success', async () => {
    // The stub's server is still open, so the program must end by force.
    expect((await interrupt('throw', ['SIGTERM'])).stderr).not.toContain('isolation-exporter:');
  });

  test.each(['hang', 'leak'])('is terminated if it does not stop: %s', async (stub) => {
    const { code, stderr } = await interrupt(stub, ['SIGTERM']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/level=warn msg="forced to stop before shutdown was complete"\n$/);
  });

  test('is terminated by a second signal at once', async () => {
    const started = performance.now();
    const { code } = await interrupt('hang', ['SIGTERM', 'SIGINT']);
    expect(code).toBe(1);
    expect(performance.now() - started).toBeLessThan(25_000);
  });
});
