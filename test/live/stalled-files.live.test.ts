import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test as base } from 'vitest';
import { makeCertificate } from '../certificates.ts';
import { type BuiltProgram, startProgram } from '../hostile/built-program.ts';
import { samplesOf } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { StoppableMount } from '../lab/stoppable-mount.ts';

/** In ms. An answer takes much less, but a test machine can be slow. */
const AT_ONCE = 5_000;

/** Longer than the exporter takes to look at its files again, in ms. */
const LOOKED_AGAIN = 12_000;

/** Each has a mount of its own, and mostly waits: all run at once. */
const test = base.extend<{ readonly mount: StoppableMount; readonly directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  mount: async ({}, use) => {
    await using mount = await StoppableMount.start();
    await use(mount);
  },
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-files-'));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

const framing = (option: string): string => `http_server_config: { headers: { X-Frame-Options: ${option} } }\n`;

describeLive('a file of the exporter on a FUSE mount whose server stops', ['fuse'], () => {
  /** The answer of the health check; its header that the configuration sets. */
  async function frameOptions({ port }: BuiltProgram, scheme = 'http'): Promise<string> {
    const url = `${scheme}://127.0.0.1:${port}/-/healthy`;
    const headers = await succeed(host, `curl -sSk --fail -m ${AT_ONCE / 1000} -D - -o /dev/null ${url}`);
    return /^x-frame-options: (\S+)/im.exec(headers)?.[1] ?? '';
  }

  /** How the exporter ends that cannot start, and its last line. */
  async function failure(...flags: readonly string[]): Promise<readonly [code: number, stderr: string]> {
    const off = '--docker.host= --podman.host= --cri.endpoint= --path.kmsg=';
    const command = `${process.execPath} dist/cli.js --web.listen-address=127.0.0.1:0 ${off} ${flags.join(' ')}`;
    const { code, stderr } = await host.run(command, { timeoutMs: 60_000 });
    return [code, stderr.trim().split('\n').at(-1) ?? ''];
  }

  test.concurrent('the state file is not touched, and a source says so', async ({ mount }) => {
    for (const change of ['resume', 'stop'] as const) {
      mount[change]();
      await using exporter = await startProgram([`--oom.state-file=${mount.path}/state.json`]);
      for (let round = 0; round < 3; round += 1) {
        const { status, body } = await exporter.get('/metrics', AT_ONCE);
        expect(status).toBe(200);
        const samples = samplesOf(body);
        expect(samples.value('isolation_source_up', { source: 'oom_state_file' })).toBe(0);
        expect(samples.value('isolation_source_up', { source: 'vmstat' })).toBe(1);
        await sleep(500);
      }
      expect(exporter.log().match(/cannot use the state file.*/g)).toEqual([
        expect.stringContaining(change === 'stop' ? 'does not return' : 'is on a file system of type fuse'),
      ]);
      const began = performance.now();
      exporter.signal('SIGTERM');
      while (exporter.isAlive()) await sleep(50);
      expect(performance.now() - began).toBeLessThan(AT_ONCE);
    }
    expect(readdirSync(mount.source)).toEqual([]);
  });

  test.concurrent('the web configuration stays in force, and changes apply once the server answers', async ({
    expect,
    mount,
  }) => {
    writeFileSync(join(mount.source, 'web.yml'), framing('deny'));
    await using exporter = await startProgram([`--web.config.file=${mount.path}/web.yml`]);
    expect(await frameOptions(exporter)).toBe('deny');
    mount.stop();
    for (const end = performance.now() + LOOKED_AGAIN; performance.now() < end; await sleep(500)) {
      expect(await frameOptions(exporter)).toBe('deny');
      expect((await exporter.get('/metrics', AT_ONCE)).status).toBe(200);
    }
    expect(exporter.log()).toContain('a path look-up hangs');
    writeFileSync(join(mount.source, 'web.yml'), framing('sameorigin'));
    expect(await frameOptions(exporter)).toBe('deny');
    mount.resume();
    await expect.poll(() => frameOptions(exporter), { timeout: LOOKED_AGAIN * 2, interval: 500 }).toBe('sameorigin');
    // A mistake changes nothing, and is logged.
    writeFileSync(join(mount.source, 'web.yml'), framing('wrong'));
    const isReported = async (): Promise<boolean> => {
      expect(await frameOptions(exporter)).toBe('sameorigin');
      return exporter.log().includes('configuration is invalid');
    };
    await expect.poll(isReported, { timeout: LOOKED_AGAIN * 2, interval: 500 }).toBe(true);
  });

  test.concurrent('accepted findings stay accepted, and changes apply once the server answers', async ({
    expect,
    mount,
  }) => {
    const accepting = (...ids: readonly string[]): void => {
      const entries = ids.map((id) => ({ match: { container: 'nobody' }, findings: [id], reason: 'fine' }));
      writeFileSync(join(mount.source, 'accept.yml'), JSON.stringify({ accept: entries }));
    };
    accepting('net_raw');
    await using exporter = await startProgram([`--findings.accept-file=${mount.path}/accept.yml`]);
    const inForce = async () => {
      const { status, body } = await exporter.get('/metrics', AT_ONCE);
      expect(status).toBe(200);
      const samples = samplesOf(body);
      return [
        samples.value('isolation_exporter_accept_entries', { state: 'active' }),
        samples.value('isolation_source_up', { source: 'accept_file' }),
      ];
    };
    expect(await inForce()).toEqual([1, 1]);
    mount.stop();
    accepting('net_raw', 'privileged');
    for (const end = performance.now() + LOOKED_AGAIN; performance.now() < end; await sleep(500)) {
      expect(await inForce()).toEqual([1, 1]);
    }
    mount.resume();
    await expect.poll(inForce, { timeout: LOOKED_AGAIN * 2, interval: 500 }).toEqual([2, 1]);
    writeFileSync(join(mount.source, 'accept.yml'), 'accept: 1');
    await expect.poll(inForce, { timeout: LOOKED_AGAIN * 2, interval: 500 }).toEqual([2, 0]);
  });

  test.concurrent('certificates stay in use', async ({ mount, directory }) => {
    makeCertificate(mount.source, 'server');
    const [cert, key] = ['crt', 'key'].map((kind) => join(mount.path, `server.${kind}`));
    writeFileSync(
      join(directory, 'web.yml'),
      `tls_server_config: { cert_file: ${cert}, key_file: ${key} }\n${framing('deny')}`,
    );
    await using exporter = await startProgram([`--web.config.file=${directory}/web.yml`]);
    mount.stop();
    for (const end = performance.now() + LOOKED_AGAIN; performance.now() < end; await sleep(500)) {
      expect(await frameOptions(exporter, 'https')).toBe('deny');
    }
  });

  test.concurrent('a start without them ends with a line that says so', async ({ mount, directory }) => {
    writeFileSync(join(mount.source, 'web.yml'), framing('deny'));
    writeFileSync(
      join(directory, 'web.yml'),
      `tls_server_config: { cert_file: ${mount.path}/server.crt, key_file: ${mount.path}/server.key }\n`,
    );
    mount.stop();
    expect(await failure(`--web.config.file=${mount.path}/web.yml`)).toEqual([
      1,
      expect.stringMatching(`--web.config.file: ${mount.path}/web.yml does not answer$`),
    ]);
    expect(await failure(`--web.config.file=${directory}/web.yml`)).toEqual([
      1,
      expect.stringMatching(`--web.config.file: ${mount.path}/server.crt does not answer$`),
    ]);
    expect(await failure(`--findings.accept-file=${mount.path}/accept.yml`)).toEqual([
      1,
      expect.stringMatching(`--findings.accept-file: ${mount.path}/accept.yml does not answer$`),
    ]);
  });
});
