import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectors } from '../src/collectors/index.ts';
import { createConfig, type Config } from '../src/config/config.ts';
import { parseListenAddress } from '../src/config/values.ts';
import { type Daemon, startDaemon } from '../src/daemon/daemon.ts';
import { PathProbes } from '../src/probes/path-probes.ts';
import { listen, type Server } from '../src/web/server.ts';
import { readWebRules } from '../src/web/web-rules.ts';
import { parseExposition } from './exposition.ts';
import { damage, runs } from './fuzz/damage.ts';
import { hostReport, containerReport } from './reports.ts';

const FIXTURES = new URL('fixtures/', import.meta.url).pathname;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** All daemons of a test ask the same process, which takes longer to start than they do. */
class SharedProbes extends PathProbes {
  override [Symbol.dispose](): void {}

  end(): void {
    super[Symbol.dispose]();
  }
}

describe.each(readdirSync(FIXTURES))('%s with damaged files', (host) => {
  let folder: string;
  let files: readonly string[];
  let config: Config;
  const probes = new SharedProbes(silent);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-fuzz-'));
    cpSync(FIXTURES + host, folder, { recursive: true, verbatimSymlinks: true });
    files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/mountinfo|containers\.json|MANIFEST|cgroup\.controllers/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
    const flags = new Map<string, readonly string[]>([
      ['path.procfs', [`${folder}/proc`]],
      ['path.cgroupfs', [`${folder}/cgroup`]],
      ['path.kmsg', ['']],
      ['docker.host', ['']],
      ['podman.host', ['']],
      ...collectors.map(({ name }) => [`collector.${name}`, ['true']] as const),
    ]);
    config = createConfig({ flags, environment: {}, collectors });
  });
  afterAll(() => {
    probes.end();
    rmSync(folder, { recursive: true });
  });

  it('is exported in both formats, with values that can be', { timeout: 3_600_000 }, async () => {
    const some = fc.array(fc.tuple(fc.constantFrom(...files), damage), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(some, async (changes) => {
        const before = changes.map(([path]) => [path, readFileSync(path)] as const);
        for (const [path, change] of changes) writeFileSync(path, change(readFileSync(path)));
        try {
          await using daemon = await startDaemon(config, silent, probes);
          for (const format of ['text', 'openmetrics'] as const) await judge(daemon, format);
        } finally {
          for (const [path, content] of before.toReversed()) writeFileSync(path, content);
        }
      }),
      { ...runs(15), endOnFailure: true },
    );
  });
});

async function judge(daemon: Daemon, format: 'text' | 'openmetrics'): Promise<void> {
  const text = Buffer.concat(await daemon.scrape({ format })).toString();
  const families = parseExposition(text, format);
  for (const { name, type, samples } of families) {
    for (const { value } of samples) {
      expect(value, name).toBeGreaterThanOrEqual(0);
      expect(Number.isNaN(value), name).toBe(false);
      if (type === 'counter') expect(Number.isFinite(value), name).toBe(true);
    }
  }
  expect(families.some(({ name }) => name === 'isolation_containers')).toBe(true);
}

const REQUEST = `GET /metrics?collect[]=cpu HTTP/1.1\r
Host: localhost:9877\r
User-Agent: Prometheus/3.5.0\r
Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r
Accept-Encoding: gzip\r
X-Prometheus-Scrape-Timeout-Seconds: 10\r
Authorization: Basic cHJvbTpzZWNyZXQ=\r
Content-Length: 0\r
Connection: close\r
\r
`;

describe('the server', () => {
  let server: Server;
  beforeAll(async () => {
    const address = parseListenAddress('127.0.0.1:0');
    if (address === undefined) throw new Error('No address');
    server = await listen(
      {
        listenAddresses: [address],
        telemetryPath: '/metrics',
        cadvisorPath: undefined,
        maxRequests: 40,
        configFile: undefined,
      },
      {
        version: { name: 'isolation-exporter', version: '1.2.3', revision: undefined },
        collectors: ['cpu', 'memory'],
        scrape: async () => [Buffer.from('a 1\n')],
        report: async () => hostReport(containerReport('web')),
        isHealthy: () => true,
      },
      { log: silent, rules: readWebRules(undefined, silent) },
    );
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('answers any bytes by HTTP or not at all, and goes on', { timeout: 3_600_000 }, async () => {
    const port = Number(server.addresses[0]?.split(':').at(-1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damage, fc.uint8Array({ maxLength: 300 })), async (change) => {
        const bytes = typeof change === 'function' ? change(Buffer.from(REQUEST)) : Buffer.from(change);
        const answer = await exchange(port, bytes);
        if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 [2-5]\d\d /);
        expect(answer).not.toMatch(/^HTTP\/1\.1 500 /);
        expect(await exchange(port, Buffer.from(REQUEST), true)).toMatch(/^HTTP\/1\.1 200 /);
      }),
      { ...runs(60), endOnFailure: true },
    );
  });
});

/** How long to wait for an answer to what may be half a request, in ms. */
const PATIENCE_MS = 50;

/** Sends bytes, and resolves to all that comes back. A whole request asks the server to close the connection after its answer. */
function exchange(port: number, bytes: Buffer, isWhole = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let timer: NodeJS.Timeout | undefined;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      // A busy machine may take longer than this to connect.
      if (!isWhole) timer = setTimeout(() => socket.end(), PATIENCE_MS);
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString('latin1'));
    });
  });
}
