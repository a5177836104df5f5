import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import bcrypt from 'bcryptjs';
import { makeCertificate } from '../certificates.ts';
import { startProgram } from '../hostile/built-program.ts';
import { LoadContainers } from '../load/load-containers.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const WAIT_MS = 60_000;

/** Which release of Node runs the program, and with which engine if there is one. */
export interface Traced {
  readonly node: string;
  /** `unix:///var/run/docker.sock` */
  readonly dockerHost?: string;
}

/**
 * Runs the built program in all its forms under strace: the daemon with all collectors, TLS, passwords, accepted findings, a state file
 * and an OOM kill; a scan, a diagnosis, and the health check of the image. As root.
 *
 * @returns the names of all system calls that it has tried, whatever came of them.
 */
export async function traceProgram({ node, dockerHost = '' }: Traced): Promise<ReadonlySet<string>> {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-rights-'));
  try {
    const found = new Set<string>();
    const engines = [`--docker.host=${dockerHost}`];
    const none = ['--podman.host=', '--cri.endpoint='];
    await traceDaemon(join(directory, 'daemon'), { node, directory, engines, found });
    const once_ = [
      ['scan', '--output=json', `--write-baseline=${directory}/baseline.json`, ...engines, ...none],
      ['scan', '--output=sarif', `--baseline=${directory}/baseline.json`, ...engines, ...none],
      ['diagnose', ...engines, ...none],
    ];
    for (const [nth, argv] of once_.entries())
      await traceOnce(join(directory, `once-${nth}`), [node, PROGRAM, ...argv], found);
    await traceOnce(join(directory, 'health'), [node, ...healthCheck()], found);
    return found;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What the image runs to find out whether it is healthy, without `node`. */
function healthCheck(): readonly string[] {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const [, argv = '[]'] = /^HEALTHCHECK .* CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  return (JSON.parse(argv) as readonly string[]).slice(1);
}

async function traceDaemon(
  file: string,
  parts: {
    readonly node: string;
    readonly directory: string;
    readonly engines: readonly string[];
    readonly found: Set<string>;
  },
): Promise<void> {
  const { node, directory, engines, found } = parts;
  const { cert, key } = makeCertificate(directory, 'server');
  const web = join(directory, 'web.yml');
  const accept = join(directory, 'accept.yml');
  const tls = `tls_server_config: { cert_file: ${cert}, key_file: ${key} }\n`;
  writeFileSync(web, `${tls}basic_auth_users: { trace: '${bcrypt.hashSync('trace', 4)}' }\n`);
  const entry = (finding: string): string =>
    `accept: [{ match: { engine: garden }, findings: [${finding}], reason: none }]\n`;
  writeFileSync(accept, entry('net_raw'));
  const flags = [
    '--path.kmsg=/dev/kmsg',
    `--oom.state-file=${directory}/state`,
    `--web.config.file=${web}`,
    `--findings.accept-file=${accept}`,
    ...['layers', 'zswap', 'uclamp', 'misc', 'rdma', 'findings.all'].map((name) => `--collector.${name}`),
    ...engines,
  ];
  await using containers = new LoadContainers({ engine: 'garden' });
  {
    // The tracer is a grandchild, so that the program keeps its pid.
    const wrap = ['strace', '-D', '-f', '-qq', '-c', '-o', file];
    await using program = await startProgram(flags, { node, wrap });
    const ask = (path: string, headers: Record<string, string> = {}): Promise<void> => get(program.port, path, headers);
    const idle = containers.start();
    const victim = containers.start({ memoryBytes: 8 * 2 ** 20, command: ['tail', '/dev/zero'] });
    for (const headers of [{}, { 'accept-encoding': 'gzip' }, { accept: 'application/openmetrics-text' }]) {
      await ask('/metrics', headers);
      await sleep(500);
    }
    writeFileSync(accept, entry('cpu_unlimited'));
    for (const path of ['/', '/metrics', '/-/healthy', '/-/ready']) await ask(path);
    await containers.remove(victim);
    await containers.remove(idle);
    await sleep(1_000);
    await ask('/metrics');
    program.signal('SIGTERM');
    for (const deadline = performance.now() + WAIT_MS; program.isAlive(); await sleep(50)) {
      if (performance.now() > deadline) throw new Error('The program does not stop');
    }
  }
  await take(file, found);
}

function get(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      headers,
      auth: 'trace:trace',
      rejectUnauthorized: false,
      agent: false,
    };
    const asked = request({ ...options, signal: AbortSignal.timeout(WAIT_MS) }, (response) => {
      response.resume().on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${path}: ${response.statusCode}`)),
      );
    });
    asked.on('error', reject).end();
  });
}

async function traceOnce(file: string, argv: readonly string[], found: Set<string>): Promise<void> {
  const child = spawn('strace', ['-f', '-qq', '-c', '-o', file, ...argv], { stdio: 'ignore' });
  await once(child, 'exit');
  await take(file, found);
}

/**
 * Reads strace's summary, which it writes at the end:
 *
 *     % time     seconds  usecs/call     calls    errors syscall
 *     ------ ----------- ----------- --------- --------- ----------------
 *      38.98    0.003011           3       866       204 openat
 *      10.55    0.000815           1       512           read
 */
async function take(file: string, found: Set<string>): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await sleep(50)) {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      continue;
    }
    if (!/ total$/m.test(text)) continue;
    for (const line of text.split('\n')) {
      const [, name] = /^ *[\d.]+ +[\d.]+ +\d+ +\d+ (?:[ \d]{9}) (\w+)$/.exec(line) ?? [];
      if (name !== undefined && name !== 'total') found.add(name);
    }
    return;
  }
  throw new Error(`strace has not written ${file}`);
}
