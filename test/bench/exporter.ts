import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The checkout of this bench. */
const HERE = fileURLToPath(new URL('../..', import.meta.url));

/** The same flags as in the first line of the program and in `npm start`. */
const NODE_FLAGS = ['--max-semi-space-size=1'];

/** The built daemon, running. */
export class Exporter {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 });
  /** The CPU time from the start of the daemon until its first answer, in milliseconds. */
  startUpCpu = NaN;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /**
   * Starts it and waits until it answers; `running` takes it before that, so that it can be ended at any time.
   *
   * @param checkout whose build to start; that of this bench unless told otherwise.
   * @param names.engine the Docker host that gives names; none unless told otherwise.
   */
  static async start(
    running: { add(exporter: Exporter): unknown },
    checkout = HERE,
    names: { readonly engine?: string } = {},
  ): Promise<Exporter> {
    const port = await freePort();
    const options = [
      '--web.listen-address',
      `127.0.0.1:${port}`,
      `--docker.host=${names.engine ?? ''}`,
      '--podman.host=',
      '--cri.endpoint=',
      '--log.level=warn',
    ];
    const child = spawn(process.execPath, [...NODE_FLAGS, join(checkout, 'dist/cli.js'), ...options], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exporter = new Exporter(child, port);
    running.add(exporter);
    await exporter.#answers('/-/ready');
    exporter.startUpCpu = exporter.cpu();
    return exporter;
  }

  async #answers(path: string): Promise<void> {
    const deadline = performance.now() + 60_000;
    while ((await this.get(path).catch(() => undefined)) === undefined) {
      if (performance.now() > deadline || this.#child.exitCode !== null) throw new Error('The exporter did not start');
      await setTimeout(5);
    }
  }

  /** CPU of all its threads and processes so far in milliseconds, to the nanosecond; threads that have ended do not count. */
  cpu(): number {
    const spent = this.#processes().flatMap((pid) =>
      readdirSync(`/proc/${pid}/task`).map((task) =>
        Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
      ),
    );
    return spent.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
  }

  /**
   * Resident memory of the daemon, and what its other process has besides, in MB. Not Pss: the bench runs the same Node.js, so that
   * half of its program would not count.
   */
  rss(): number {
    const [own = NaN, ...others] = this.#processes();
    const besides = others.map((pid) => kilobytesOf(pid, 'Anonymous'));
    return besides.reduce((sum, kilobytes) => sum + kilobytes, kilobytesOf(own, 'Rss')) * 1.024e-3;
  }

  /**
   * Starts another exporter: a command with its arguments, in which `%p` stands for the port.
   *
   * @throws Error if it does not answer within a minute.
   */
  static async startOther(running: { add(exporter: Exporter): unknown }, command: string): Promise<Exporter> {
    const port = await freePort();
    const [program = '', ...argv] = command.replaceAll('%p', String(port)).split(/ +/);
    const exporter = new Exporter(spawn(program, argv, { stdio: 'ignore' }), port);
    running.add(exporter);
    await exporter.#answers('/metrics');
    return exporter;
  }

  /** The daemon, and the process that makes its look-ups. */
  #processes(): number[] {
    const { pid = NaN } = this.#child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return [pid, ...children.filter(Boolean).map(Number)];
  }

  /** The body as received, compressed if requested. */
  get(path: string, headers: Record<string, string> = {}): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const request = get({ host: '127.0.0.1', port: this.#port, path, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks));
          else reject(new Error(`${path} answered ${response.statusCode}`));
        });
      });
      request.once('error', reject);
    });
  }

  /** One full scrape as text. */
  async scrape(): Promise<string> {
    return (await this.get('/metrics')).toString();
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** A sum over all mappings of a process, in KiB. */
function kilobytesOf(pid: number, name: 'Rss' | 'Anonymous'): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port');
  return address.port;
}
