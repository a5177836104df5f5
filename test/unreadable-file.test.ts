import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectors } from '../src/collectors/index.ts';
import { createConfig } from '../src/config/config.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { readHost } from '../src/report/host-report.ts';

const FIXTURE = new URL('fixtures/guest-v2-docker-systemd', import.meta.url).pathname;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const CONTAINER = '1c304c76b5c5';
const CGROUP = `cgroup/system.slice/docker-${CONTAINER}53ee9dd41e8e7325e3e6ac30ca1f5d5c98ebb930bb27c87872b8.scope`;

const LIMIT =
  /^isolation_container_(?:memory_limited|memory_limit_bytes|memory_own_limit_bytes|cpu_limited|cpu_limit_cores|pids_limited|pids_limit)\{/;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-unreadable-'));
  cpSync(FIXTURE, folder, { recursive: true, verbatimSymlinks: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a daemon on the host in the folder. */
const start = () => {
  const flags = new Map<string, readonly string[]>([
    ['path.procfs', [`${folder}/proc`]],
    ['path.cgroupfs', [`${folder}/cgroup`]],
    ...['path.kmsg', 'docker.host', 'podman.host'].map((name) => [name, ['']] as const),
  ]);
  return startDaemon(createConfig({ flags, environment: {}, collectors }), silent);
};

/** The findings of the container as the page and `scan` show them, and as metrics do. */
async function findings() {
  await using daemon = await start();
  const { containers } = await daemon.look(readHost);
  const report = containers.find(({ labels }) => labels.container === CONTAINER);
  const text = Buffer.concat(await daemon.scrape({ format: 'text' })).toString();
  return {
    answers: Object.fromEntries(report?.findings.map(({ finding, answer }) => [finding.id, answer]) ?? []),
    level: report?.isolationLevel,
    failure: report?.failure?.message,
    samples: text
      .split('\n')
      .filter((line) => /^isolation_container_(?:finding|isolation)/.test(line) && line.includes(CONTAINER)),
    limits: text.split('\n').filter((line) => LIMIT.test(line) && line.includes(CONTAINER)),
    success: /^isolation_scrape_collector_success\{collector="findings"\} (\d)$/m.exec(text)?.[1],
  };
}

const RESOURCES = { memory: 'memory.max', cpu: 'cpu.max', pids: 'pids.max' } as const;

test.each(Object.entries(RESOURCES))(
  'a limit of %s that cannot be read leaves only that unknown',
  async (name, file) => {
    const before = await findings();
    expect(before).toMatchObject({
      failure: undefined,
      success: '1',
      answers: { net_raw: 'yes', pids_unlimited: 'no' },
    });
    // A directory opens, and reading it fails.
    const path = join(folder, CGROUP, file);
    const content = readFileSync(path);
    rmSync(path);
    mkdirSync(path);
    try {
      const after = await findings();
      const unknown = `${name}_unlimited`;
      expect(after.answers).toEqual({ ...before.answers, [unknown]: 'unknown' });
      expect(after.level).toEqual(before.level);
      expect(after).toMatchObject({ failure: expect.stringContaining(file), success: '0' });
      const others = ({ samples }: typeof before) => samples.filter((line) => !line.includes(`"${unknown}"`));
      expect(others(after)).toEqual(others(before));
      expect(
        after.samples.filter((line) => line.includes('finding_unknown') && line.includes('unlimited')),
      ).toHaveLength(1);
      const isOfOther = (line: string) => !line.startsWith(`isolation_container_${name}_`);
      expect(after.limits.filter(isOfOther)).toEqual(before.limits.filter(isOfOther));
      expect(after.limits.filter((line) => !isOfOther(line))).toEqual([]);
      expect(before.limits.filter((line) => !isOfOther(line))).not.toEqual([]);
    } finally {
      rmdirSync(path);
      writeFileSync(path, content);
    }
  },
);
