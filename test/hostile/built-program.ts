import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** The time limit for starting, on a busy machine. */
const START_MS = 60_000;

/** An answer of the program. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

/** The built program, running on this machine until it is disposed of. */
export interface BuiltProgram extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Asks on a new connection. @throws Error without an answer in `ms`. */
  get(path: string, ms?: number): Promise<Answer>;
  /** Whether the program still runs. */
  isAlive(): boolean;
  /** The log so far. */
  log(): string;
  /** Its resident memory, in bytes. */
  memory(): number;
  signal(signal: NodeJS.Signals): void;
}

/** Starts the built program on a free port of loopback, without engines and kmsg unless a flag says otherwise. */
export async function startProgram(
  flags: readonly string[] = [],
  options: {
    readonly uid?: number;
    readonly gid?: number;
    readonly env?: Readonly<Record<string, string>>;
    /** Another Node than that of this process. */
    readonly node?: string;
    /** More flags of Node. */
    readonly nodeFlags?: readonly string[];
    /** A command before that of Node, which it must become: its pid is taken for that of the program. */
    readonly wrap?: readonly string[];
  } = {},
): Promise<BuiltProgram> {
  if (!existsSync(PROGRAM)) throw new Error('dist/cli.js is not there; npm run build');
  const { env, node: program = process.execPath, nodeFlags = [], wrap = [], ...user } = options;
  const common = [
    '--web.listen-address=127.0.0.1:0',
    '--path.kmsg=',
    '--docker.host=',
    '--podman.host=',
    '--cri.endpoint=',
  ];
  const node = [program, '--max-semi-space-size=1', ...nodeFlags];
  const [command = '', ...argv] = [...wrap, ...node, PROGRAM, ...common, ...flags];
  const child = spawn(command, argv, {
    ...user,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (log += part));
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  const end = async (): Promise<void> => {
    if (!isAlive()) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const deadline = performance.now() + START_MS;
  let port: number | undefined;
  while (port === undefined) {
    const found = /msg=listening addresses=127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    if (found !== undefined) port = Number(found);
    else if (!isAlive() || performance.now() > deadline) {
      await end();
      throw new Error(`The program does not listen: ${log}`);
    } else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const pid = child.pid ?? 0;
  const where = port;
  return {
    pid,
    port: where,
    isAlive,
    log: () => log,
    memory: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
    signal: (signal) => void child.kill(signal),
    get: (path, ms = 30_000) => get(where, path, ms),
    [Symbol.asyncDispose]: end,
  };
}

function get(port: number, path: string, ms: number): Promise<Answer> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ms);
    const asked = request({ host: '127.0.0.1', port, path, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body, ms: performance.now() - begin });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
