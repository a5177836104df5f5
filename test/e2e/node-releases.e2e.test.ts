import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { NODE_RELEASES, nodeRelease } from '../lab/node-releases.ts';
import { FIXTURES, PROGRAM, run, scanOf } from './scan-program.ts';

const HOSTS = readdirSync(FIXTURES);

describe.skipIf(process.env['LAB'] === 'off').each(NODE_RELEASES)('on Node %s', (version) => {
  let node: string;
  beforeAll(async () => {
    node = await nodeRelease(version);
  }, 320_000);
  const on = (program: string, [, ...argv]: readonly string[]) => run([program, ...argv]);

  it.each(HOSTS)('scan says the same as on the oldest supported Node: %s', async (captured) => {
    const command = scanOf(captured, '--output=json');
    const [oldest, newer] = await Promise.all([on(process.execPath, command), on(node, command)]);
    expect(newer.stderr).toBe('');
    expect([newer.code, withoutTime(newer.stdout)]).toEqual([oldest.code, withoutTime(oldest.stdout)]);
    expect(newer.stdout).toContain('"findings"');
  });

  it('serves metrics, compressed, without a warning, and stops', async () => {
    const flags = [
      '--path.kmsg=',
      '--docker.host=',
      '--podman.host=',
      '--cri.endpoint=',
      '--web.listen-address=127.0.0.1:0',
    ];
    const paths = [
      `--path.procfs=${FIXTURES}/host-v1-docker/proc`,
      `--path.cgroupfs=${FIXTURES}/host-v1-docker/cgroup`,
    ];
    const child = spawn(node, [PROGRAM, ...flags, ...paths], { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
    try {
      const lines: string[] = [];
      for await (const line of createInterface(child.stderr)) {
        lines.push(line);
        if (line.includes('msg=listening')) break;
      }
      const address = /addresses="?([\d.:]+)/.exec(lines.at(-1) ?? '')?.[1];
      const response = await fetch(`http://${address}/metrics`, { headers: { 'accept-encoding': 'gzip' } });
      expect([response.status, response.headers.get('content-encoding')]).toEqual([200, 'gzip']);
      const text = await response.text();
      expect(text).toContain(`nodejs_version_info{version="v${version}"`);
      expect(text.match(/^isolation_container_memory_usage_bytes\{/gm)?.length).toBeGreaterThan(0);
      expect(lines.filter((line) => /Warning|Deprecat|level=(?:warn|error)/.test(line))).toEqual([]);
    } finally {
      child.kill('SIGTERM');
    }
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });
});

/** What differs between two scans of the same host. */
function withoutTime(json: string): unknown {
  return JSON.parse(json, (key, value: unknown) => (['time', 'node'].includes(key) ? undefined : value));
}
