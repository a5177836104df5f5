import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

const START_MS = 60_000;

/** The built exporter beside the containers of the demo, on loopback. */
export class DemoExporter implements AsyncDisposable {
  /** `http://127.0.0.1:10061` */
  readonly origin: string;
  /** Resolves when it has ended, to its last output. */
  readonly ending: Promise<string>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, origin: string, ending: Promise<string>) {
    this.#child = child;
    this.origin = origin;
    this.ending = ending;
  }

  /** Starts the exporter on a port (0: any), and resolves once it listens. */
  static async start(port: number): Promise<DemoExporter> {
    const options = [`--web.listen-address=127.0.0.1:${port}`, '--log.format=json'];
    // It ends with the demo, even if the demo is killed. Ctrl-C only reaches the demo.
    const argv = ['--pdeathsig', 'KILL', '--', process.execPath, '--max-semi-space-size=1', PROGRAM, ...options];
    const child = spawn('setpriv', argv, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-10_000)));
    const ending = once(child, 'close').then(() => said);
    const deadline = performance.now() + START_MS;
    while (performance.now() < deadline && child.exitCode === null) {
      const address = /"addresses":\["([^"]+)"\]/.exec(said)?.[1];
      if (address !== undefined) return new DemoExporter(child, `http://${address}`, ending);
      await setTimeout(20);
    }
    child.kill('SIGKILL');
    throw new Error(`The exporter did not start: ${(await ending).trim().split('\n').at(-1)}`);
  }

  /** Waits until all these containers are in its metrics. */
  async shows(containers: readonly string[], signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      const metrics = await (await fetch(`${this.origin}/metrics`, { signal })).text();
      const missing = containers.filter((name) => !metrics.includes(`container="${name}"`));
      if (missing.length === 0) return;
      if (performance.now() > deadline) throw new Error(`The exporter does not show ${missing.join(', ')}`);
      await setTimeout(200, undefined, { signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    // It exits by itself if it does not stop in time.
    await this.ending;
  }
}

/** Whether a loopback port is free. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
