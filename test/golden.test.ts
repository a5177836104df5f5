import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { collectors } from '../src/collectors/index.ts';
import { type Config, createConfig } from '../src/config/config.ts';
import { type Daemon, startDaemon } from '../src/daemon/daemon.ts';
import { findings } from '../src/findings/index.ts';

const FIXTURES = new URL('fixtures/', import.meta.url).pathname;
const PROMTOOL = '/usr/bin/promtool';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Metrics about this process or this run, not about the captured host. */
const OF_THIS_RUN =
  /^(# \w+ )?(process_|nodejs_|isolation_exporter_|isolation_scrape_collector_duration|isolation_source_up|isolation_posture_age_seconds)/;

const OF_THIS_RUN_OF_CADVISOR = /^(# \w+ )?(container_last_seen|cadvisor_version_info)/;

// After a change: npx vitest run --project program -u, and read the difference.
describe.each(readdirSync(FIXTURES))('metrics of the captured host %s', (host) => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon(configOf(host), silent);
    await untilNamed(daemon);
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  it.each(collectors.map(({ name }) => name))('%s', async (name) => {
    const text = Buffer.concat(await daemon.scrape({ format: 'text', collect: [name] })).toString();
    const lines = text.split('\n').filter((line) => !OF_THIS_RUN.test(line));
    await expect(sortSamples(lines).join('\n')).toMatchFileSnapshot(`golden/${host}/${name}.prom`);
  });

  it('under the names of cAdvisor', async () => {
    const text = Buffer.concat((await daemon.cadvisor?.scrape({})) ?? []).toString();
    const lines = text.split('\n').filter((line) => !OF_THIS_RUN_OF_CADVISOR.test(line));
    await expect(sortSamples(lines).join('\n')).toMatchFileSnapshot(`golden/${host}/cadvisor.txt`);
  });

  it('--collector.findings.all adds the findings that a container does not have', async () => {
    await using all = await startDaemon(configOf(host, [['collector.findings.all', ['true']]]), silent);
    await untilNamed(all);
    const [some, every] = await Promise.all([daemon, all].map((each) => samplesOfFindings(each)));
    const added = every?.filter((line) => some?.includes(line) !== true) ?? [];
    expect(every?.filter((line) => !added.includes(line))).toEqual(some);
    for (const line of added) expect(line).toMatch(/^isolation_container_finding\{.* 0$/);
    const containers = some?.filter((line) => line.startsWith('isolation_container_isolation_level{')) ?? [];
    expect(containers.length).toBeGreaterThan(0);
    expect(every?.filter((line) => /_finding(_unknown)?\{/.test(line))).toHaveLength(
      containers.length * findings.length,
    );
  });

  it.skipIf(!existsSync(PROMTOOL))('promtool reports no problems (needs promtool)', async () => {
    const input = Buffer.concat(await daemon.scrape({ format: 'text' }));
    expect(execFileSync(PROMTOOL, ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('');
  });

  it.skipIf(!existsSync(PROMTOOL))("promtool only dislikes cAdvisor's own names (needs promtool)", async () => {
    const input = Buffer.concat((await daemon.cadvisor?.scrape({})) ?? []);
    const { stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], { input, encoding: 'utf8' });
    expect([...new Set(stderr.trim().split('\n'))]).toEqual([
      "cadvisor_version_info label names should be written in 'snake_case' not 'camelCase'",
      'container_memory_failcnt counter metrics should have "_total" suffix',
    ]);
  });
});

function configOf(host: string, more: readonly (readonly [string, readonly string[]])[] = []): Config {
  const flags = new Map<string, readonly string[]>([
    ['path.procfs', [`${FIXTURES}${host}/proc`]],
    ['path.cgroupfs', [`${FIXTURES}${host}/cgroup`]],
    ['web.cadvisor-path', ['/metrics/cadvisor']],
    ['path.kmsg', ['']],
    ['docker.host', ['']],
    ['podman.host', ['']],
    // All collectors, including those that are off by default.
    ...collectors.map(({ name }) => [`collector.${name}`, ['true']] as const),
    ...more,
  ]);
  return createConfig({ flags, environment: {}, collectors });
}

/** Waits until each container of Podman's has the name that its monitor knows. Those of Docker's have none without its API. */
async function untilNamed(daemon: Daemon): Promise<void> {
  await vi.waitFor(
    async () => {
      const text = Buffer.concat(await daemon.scrape({ format: 'text', collect: ['info'] })).toString();
      expect(text).not.toMatch(/engine="podman",container="[0-9a-f]{12}"/);
    },
    { timeout: 20_000, interval: 20 },
  );
}

async function samplesOfFindings(daemon: Daemon): Promise<readonly string[]> {
  const text = Buffer.concat(await daemon.scrape({ format: 'text', collect: ['findings'] })).toString();
  return text
    .split('\n')
    .filter((line) => line.startsWith('isolation_container_'))
    .toSorted();
}

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
