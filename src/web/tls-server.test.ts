import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { spawnSync } from 'node:child_process';
import { hashSync } from 'bcryptjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { HAS_OPENSSL, makeCertificate } from '../../test/certificates.ts';
import { hostReport } from '../../test/reports.ts';
import type { Certificate } from '../../test/certificates.ts';
import type { Log } from '../log.ts';
import { parseListenAddress } from '../config/values.ts';
import { listen } from './server.ts';
import type { Server } from './server.ts';
import { readWebRules } from './web-rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'web-config-'));
const file = join(folder, 'web.yml');
const TLS = 'tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n';
const USERS = `basic_auth_users:\n  alice: ${hashSync('right', 4)}\n`;
const ALICE = { auth: 'alice:right' };
const PROMTOOL = spawnSync('promtool', ['--version']).status === 0;

let logged: string[] = [];
let servers: Server[] = [];

afterEach(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  servers = [];
  logged = [];
});
afterAll(() => rmSync(folder, { recursive: true }));

function record(_: object, message: string): void {
  logged.push(message);
}
const log: Log = { debug: record, info: record, warn: record, error: record };

async function start(text: string, limits = {}): Promise<number> {
  writeFileSync(file, text);
  const server = await listen(
    {
      listenAddresses: [parseListenAddress('127.0.0.1:0')!],
      telemetryPath: '/metrics',
      cadvisorPath: undefined,
      maxRequests: 1,
      configFile: file,
    },
    {
      version: { name: 'isolation-exporter', version: '1.2.3', revision: undefined },
      collectors: ['cpu'],
      scrape: async () => [Buffer.from('a 1\n')],
      report: async () => hostReport(),
      isHealthy: () => true,
    },
    { log, rules: readWebRules(file, log), limits },
  );
  servers.push(server);
  return Number(/\d+$/.exec(server.addresses[0] ?? '')?.[0]);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

function ask(port: number, options: RequestOptions & { plain?: true } = {}): Promise<Answer> {
  const { plain, ...rest } = options;
  const all = { host: '127.0.0.1', port, path: '/metrics', agent: false as const, rejectUnauthorized: false, ...rest };
  return new Promise((resolve, reject) => {
    const request = (plain ? plainRequest : tlsRequest)(all, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers }));
    });
    request.on('error', reject);
    request.end();
  });
}

const status = async (port: number, options = {}): Promise<number | undefined> => (await ask(port, options)).status;
const plain = { plain: true } as const;

describe('without TLS', () => {
  test('every path asks for a password', async () => {
    const port = await start(USERS);
    for (const path of ['/metrics', '/-/healthy', '/-/ready', '/healthz', '/', '/nothing']) {
      const { status, headers } = await ask(port, { ...plain, path });
      expect({ path, status }).toEqual({ path, status: 401 });
      expect(headers['www-authenticate']).toMatch(/^Basic realm=/);
    }
    expect(await status(port, { ...plain, method: 'POST' })).toBe(401);
    expect(await status(port, { ...plain, auth: 'alice:wrong' })).toBe(401);
    expect(await status(port, { ...plain, auth: 'bob:right' })).toBe(401);
    expect(await status(port, { ...plain, ...ALICE })).toBe(200);
    expect(await status(port, { ...plain, ...ALICE, path: '/nothing' })).toBe(404);
  });

  test('headers are on every answer and win', async () => {
    const headers = 'http_server_config:\n  headers:\n    Content-Security-Policy: none\n    X-Frame-Options: deny\n';
    const port = await start(USERS + headers);
    const wanted = { 'content-security-policy': 'none', 'x-frame-options': 'deny' };
    expect((await ask(port, plain)).headers).toMatchObject(wanted);
    expect((await ask(port, { ...plain, ...ALICE, path: '/' })).headers).toMatchObject(wanted);
  });

  test('a new version of the file counts from the next request on', async () => {
    const port = await start(USERS);
    expect(await status(port, plain)).toBe(401);
    writeFileSync(file, '{}');
    expect(await status(port, plain)).toBe(200);
    writeFileSync(file, USERS.replace('alice', 'carol'));
    expect(await status(port, { ...plain, ...ALICE })).toBe(401);
    expect(await status(port, { ...plain, auth: 'carol:right' })).toBe(200);
  });

  test.each([
    ['broken', (): void => writeFileSync(file, 'basic_auth_user: {}')],
    ['empty for a moment', (): void => writeFileSync(file, '')],
    ['gone', (): void => rmSync(file)],
  ])('a file that is %s leaves the old one in force, which is logged once', async (_, damage) => {
    const port = await start(USERS);
    damage();
    for (let count = 0; count < 3; count += 1) expect(await status(port, plain)).toBe(401);
    expect(await status(port, { ...plain, ...ALICE })).toBe(200);
    const complaint = 'web configuration is invalid; keeping the last valid one';
    expect(logged).toEqual(['web configuration read', complaint]);
    writeFileSync(file, USERS);
    expect(await status(port, { ...plain, ...ALICE })).toBe(200);
    expect(logged.at(-1)).toBe('web configuration read again');
  });

  test('a client that leaves while its password is compared takes nobody’s slot', async () => {
    const port = await start(USERS);
    const socket = connectPlain(port, '127.0.0.1');
    const login = Buffer.from('alice:right').toString('base64');
    socket.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${login}\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    for (let count = 0; count < 3; count += 1) expect(await status(port, { ...plain, ...ALICE })).toBe(200);
  });

  test('more requests than the rate limit are turned away before their password is looked at', async () => {
    const port = await start(`${USERS}rate_limit:\n  interval: 1h\n  burst: 2\n`);
    expect(await status(port, { ...plain, ...ALICE })).toBe(200);
    expect(await status(port, { ...plain, path: '/-/healthy' })).toBe(401);
    for (const who of [ALICE, {}]) expect(await status(port, { ...plain, ...who })).toBe(429);
    writeFileSync(file, USERS);
    expect(await status(port, { ...plain, ...ALICE })).toBe(200);
  });

  test('HTTP/2 is not for us, and the log says so', async () => {
    await start('http_server_config:\n  http2: true\n');
    expect(logged[1]).toMatch(/http2 is ignored: .*HTTP\/1\.1 only/);
  });
});

describe.skipIf(!HAS_OPENSSL)('with TLS (needs openssl)', () => {
  const client: Record<string, { cert: Buffer; key: Buffer }> = {};
  const made: Record<string, Certificate> = {};

  function use(name: string): void {
    copyFileSync(made[name]!.cert, join(folder, 'server.crt'));
    copyFileSync(made[name]!.key, join(folder, 'server.key'));
  }

  beforeAll(() => {
    for (const name of ['one', 'two', 'ca', 'stranger']) made[name] = makeCertificate(folder, name);
    made['friend'] = makeCertificate(folder, 'friend', made['ca']);
    made['named'] = makeCertificate(folder, 'named', made['ca'], 'DNS:prometheus.example,URI:spiffe://a/b,IP:::1');
    for (const name of ['friend', 'stranger', 'named']) {
      client[name] = { cert: readFileSync(made[name]!.cert), key: readFileSync(made[name]!.key) };
    }
    use('one');
  });

  /** Identifies the certificate that the server presents. */
  async function shown(port: number): Promise<string | undefined> {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return String(name);
  }

  test('serves', async () => {
    const port = await start(TLS + USERS);
    expect(await status(port)).toBe(401);
    expect(await status(port, ALICE)).toBe(200);
    expect(await status(port, { ...ALICE, ca: readFileSync(made['one']!.cert), rejectUnauthorized: true })).toBe(200);
    await expect(ask(port, plain)).rejects.toThrow();
    expect(await status(port, ALICE)).toBe(200);
  });

  test('serves certificates given as text', async () => {
    const indented = (path: string): string => readFileSync(path, 'utf8').replaceAll(/^/gm, '    ');
    const { cert, key } = made['one']!;
    const port = await start(`tls_server_config:\n  cert: |\n${indented(cert)}\n  key: |\n${indented(key)}\n`);
    expect(await shown(port)).toBe('one');
  });

  test('keeps to the versions', async () => {
    const port = await start(`${TLS}  min_version: TLS13\n`);
    await expect(ask(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect(await status(port)).toBe(200);
    writeFileSync(file, `${TLS}  max_version: TLS12\n`);
    await expect(ask(port, { minVersion: 'TLSv1.3' })).rejects.toThrow();
    expect(await status(port)).toBe(200);
  });

  /** The version and cipher that a handshake negotiated; `undefined` if it failed. */
  async function agreed(port: number, options: ConnectionOptions) {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    try {
      await once(socket, 'secureConnect');
      return { cipher: socket.getCipher().name, protocol: socket.getProtocol() };
    } catch {
      return undefined;
    } finally {
      socket.destroy();
    }
  }

  test('offers the cipher suites of the file for TLS 1.2, in its order, and all of TLS 1.3', async () => {
    const [first, second] = ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256'];
    const suites =
      '  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n';
    const port = await start(TLS + suites);
    const old = { maxVersion: 'TLSv1.2' } as const;
    const reversed = { ...old, ciphers: `${second}:${first}` };
    expect(await agreed(port, reversed)).toMatchObject({ cipher: first });
    expect(await agreed(port, { ...old, ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' })).toBeUndefined();
    expect(await agreed(port, {})).toMatchObject({ protocol: 'TLSv1.3' });
    writeFileSync(file, `${TLS + suites}  prefer_server_cipher_suites: false\n`);
    expect(await agreed(port, reversed)).toMatchObject({ cipher: second });
    writeFileSync(file, `${TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256]\n`);
    expect(await agreed(port, old)).toBeUndefined();
    expect(await agreed(port, {})).toMatchObject({ protocol: 'TLSv1.3' });
  });

  test('agrees on curves of the file only', async () => {
    const port = await start(`${TLS}  curve_preferences: [CurveP521]\n`);
    expect(await agreed(port, { ecdhCurve: 'P-384' })).toBeUndefined();
    expect(await agreed(port, { ecdhCurve: 'P-384:P-521' })).toBeDefined();
  });

  test.each([
    ['[prometheus.example]', true],
    ['[other, "spiffe://a/b"]', true],
    ['["::1"]', true],
    ['[PROMETHEUS.example, example, "0:0:0:0:0:0:0:1"]', false],
  ])('client_allowed_sans: %s lets a client in: %s', async (names, expected) => {
    const port = await start(
      `${TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  client_allowed_sans: ${names}\n`,
    );
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const got = await status(port, { ...client['named'], maxVersion }).catch(() => 'turned away');
      expect(got).toBe(expected ? 200 : 'turned away');
      await expect(status(port, { ...client['friend'], maxVersion })).rejects.toThrow();
    }
  });

  test('a new certificate counts from the next handshake on, a broken one never', async () => {
    const port = await start(TLS);
    expect(await shown(port)).toBe('one');
    use('two');
    expect(await shown(port)).toBe('two');
    // Only half of the change is written.
    copyFileSync(made['one']!.cert, join(folder, 'server.crt'));
    for (let count = 0; count < 3; count += 1) expect(await shown(port)).toBe('two');
    expect(logged.filter((line) => line.includes('is invalid'))).toHaveLength(1);
    use('one');
    expect(await shown(port)).toBe('one');
  });

  test('to switch it off or on takes a restart', async () => {
    const port = await start(TLS);
    writeFileSync(file, '{}');
    expect(await status(port)).toBe(200);
    await expect(ask(port, plain)).rejects.toThrow();
    const other = await start('{}');
    writeFileSync(file, TLS + USERS);
    expect(await status(other, plain)).toBe(200);
    expect(logged.at(-1)).toContain('is invalid');
  });

  describe('client_auth_type', () => {
    const CA = '  client_ca_file: ca.crt\n';
    // Whether a client is admitted: without a certificate, with one from the CA, and with another one.
    test.each([
      ['NoClientCert', '', [true, true, true]],
      ['RequestClientCert', '', [true, true, true]],
      ['RequireAnyClientCert', '', [false, true, true]],
      ['VerifyClientCertIfGiven', CA, [true, true, false]],
      ['RequireAndVerifyClientCert', CA, [false, true, false]],
    ])('%s', async (type, ca, expected) => {
      // The server starts without the setting, so the rule takes effect later.
      const port = await start(TLS);
      expect(await status(port)).toBe(200);
      writeFileSync(file, `${TLS}  client_auth_type: ${type}\n${ca}`);
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const got = [];
        for (const who of [{}, client['friend'], client['stranger']]) {
          got.push(
            await status(port, { ...who, maxVersion }).then(
              (code) => code === 200,
              () => false,
            ),
          );
        }
        expect(got).toEqual(expected);
      }
      expect(await status(port, client['friend'])).toBe(200);
    });

    /** Sends a request over a raw TLS connection. Returns the sessions that the server offers, and whether it answered. */
    function attempt(port: number, options: ConnectionOptions) {
      const sessions: Buffer[] = [];
      return new Promise<{ sessions: Buffer[]; isIn: boolean }>((resolve) => {
        let isIn = false;
        const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
        socket.on('session', (session) => sessions.push(session));
        socket.on('data', () => (isIn = true));
        socket.on('error', () => {});
        socket.on('close', () => resolve({ sessions, isIn }));
        socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      });
    }

    test.each([
      ['RequireAnyClientCert', '', [{}]],
      ['RequireAndVerifyClientCert', CA, [{}, 'stranger']],
    ])('%s: nobody gets in by resuming a session', async (type, ca, unwelcome) => {
      const port = await start(TLS);
      const before = await attempt(port, {});
      expect(before.isIn).toBe(true);
      expect(before.sessions.length).toBeGreaterThan(0);
      writeFileSync(file, `${TLS}  client_auth_type: ${type}\n${ca}`);
      const sessions = [...before.sessions];
      for (const who of unwelcome) {
        for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
          const tried = await attempt(port, { ...(typeof who === 'string' ? client[who] : who), maxVersion });
          expect(tried.isIn).toBe(false);
          sessions.push(...tried.sessions);
        }
      }
      for (const session of sessions) expect((await attempt(port, { session })).isIn).toBe(false);
      expect((await attempt(port, client['friend']!)).isIn).toBe(true);
    });
  });

  test('the end does not wait for a handshake', async () => {
    const port = await start(TLS, { grace: 20, headers: 60_000, request: 60_000 });
    const socket = connectPlain(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await servers.pop()?.[Symbol.asyncDispose]();
    await closed;
  });

  describe('at the start', () => {
    test.each([
      ['tls_server_config: {cert_file: nothing.crt, key_file: server.key}', /cert_file: ENOENT.*nothing\.crt/],
      ['tls_server_config: {cert_file: server.key, key_file: server.key}', /cert_file: not a certificate in PEM$/],
      ['tls_server_config: {cert_file: server.crt, key_file: server.crt}', /key_file: not a private key in PEM/],
      ['tls_server_config: {cert_file: server.crt, key_file: ca.key}', /key_file: does not match the certificate$/],
      [`${TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: web.yml`, /client_ca_file: not a certif/],
    ])('%j is refused', async (text, message) => {
      await expect(start(text)).rejects.toThrow(message);
      await expect(start(text)).rejects.toThrow(new RegExp(`^${file}: `));
    });
  });

  describe.skipIf(!PROMTOOL)('promtool agrees (needs promtool)', () => {
    const HASH = USERS.split(': ').at(-1)!.trim();
    test.each([
      '',
      '{}',
      TLS,
      USERS,
      TLS + USERS,
      'tls_server_config:\nbasic_auth_users:\n',
      `${TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n`,
      `${TLS}  client_ca_file: ca.crt\n`,
      `${TLS}  client_auth_type: Sometimes\n`,
      `${TLS}  min_version: TLS13\n  max_version: TLS13\n`,
      `${TLS}  min_version: TLS9\n`,
      `${TLS}  nothing: 1\n`,
      'tls_server_config: {cert_file: server.crt}',
      'tls_server_config: {cert_file: server.crt, key_file: nothing.key}',
      'tls_server_config: {cert_file: server.crt, key_file: ca.key}',
      'http_server_config:\n  http2: yes\n',
      'http_server_config:\n  http2: maybe\n',
      'http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    X-Content-Type-Options: nosniff\n',
      'http_server_config:\n  headers:\n    X-Frame-Options: DENY\n',
      'http_server_config:\n  headers:\n    Server: x\n',
      'basic_auth_users:\n  alice: right\n',
      `basic_auth_users:\n  alice: ${HASH}\n  alice: ${HASH}\n`,
      `basic_auth_users:\n  alice: ${HASH.replace('$04$', '$03$')}\n`,
      '[]',
      'basic_auth_users:\n  - alice\n',
    ])('%j', (text) => {
      writeFileSync(file, text);
      const { status } = spawnSync('promtool', ['check', 'web-config', file]);
      const read = (): unknown => readWebRules(file, log);
      if (status === 0) expect(read).not.toThrow();
      else expect(read).toThrow();
    });
  });
});
