import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectors } from '../src/collectors/index.ts';
import { createConfig } from '../src/config/config.ts';
import { type Daemon, startDaemon } from '../src/daemon.ts';

const FIXTURES = new URL('fixtures/', import.meta.url).pathname;
const PROMTOOL = '/usr/bin/promtool';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Metrics about this process or this run, not about the captured host. */
const OF_THIS_RUN =
  /^(# \w+ )?(process_|nodejs_|isolation_exporter_|isolation_scrape_collector_duration|isolation_source_up|isolation_posture_age_seconds)/;

// After a change: npx vitest run --project program -u, and read the difference.
describe.each(readdirSync(FIXTURES))('metrics of the captured host %s', (host) => {
  let daemon: Daemon;
  beforeAll(async () => {
    const flags = new Map<string, readonly string[]>([
      ['path.procfs', [`${FIXTURES}${host}/proc`]],
      ['path.cgroupfs', [`${FIXTURES}${host}/cgroup`]],
      ['path.kmsg', ['']],
      ['docker.host', ['']],
      ['podman.host', ['']],
      // All collectors, including those that are off by default.
      ...collectors.map(({ name }) => [`collector.${name}`, ['true']] as const),
    ]);
    daemon = await startDaemon(createConfig({ flags, environment: {}, collectors }), silent);
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  it.each(collectors.map(({ name }) => name))('%s', async (name) => {
    const text = Buffer.concat(await daemon.scrape({ format: 'text', collect: [name] })).toString();
    const lines = text.split('\n').filter((line) => !OF_THIS_RUN.test(line));
    await expect(sortSamples(lines).join('\n')).toMatchFileSnapshot(`golden/${host}/${name}.prom`);
  });

  it.skipIf(!existsSync(PROMTOOL))('promtool reports no problems (needs promtool)', async () => {
    const input = Buffer.concat(await daemon.scrape({ format: 'text' }));
    expect(execFileSync(PROMTOOL, ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('');
  });
});

/** Families are ordered, containers are not. */
function sortSamples(lines: readonly string[]): string[] {
  const sorted: string[] = [];
  let samples: string[] = [];
  for (const line of [...lines, '#']) {
    if (!line.startsWith('#')) {
      samples.push(line);
      continue;
    }
    sorted.push(...samples.toSorted(), line);
    samples = [];
  }
  return sorted.slice(0, -1);
}
