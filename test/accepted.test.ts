import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseAcceptFile } from '../src/acceptance/accept-file.ts';
import { collectors } from '../src/collectors/index.ts';
import { createConfig } from '../src/config/config.ts';
import { type Daemon, startDaemon } from '../src/daemon/daemon.ts';
import { readHost } from '../src/report/host-report.ts';
import { blocksOf } from './code-blocks.ts';

const FIXTURE = new URL('fixtures/guest-v2-docker-cgroupfs/', import.meta.url).pathname;
/** Containers of the captured host, by their ids: no engine answers there. Both are in the pid namespace of the host. */
const AGENT = '12706aa34de3';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const file = (ids: string, more = '') =>
  `accept:\n  - { match: { engine: docker, container: "12706*" }, findings: [${ids}], reason: fine${more} }\n`;

describe('a daemon with an accept file', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-accepted-'));
    path = join(directory, 'accept.yml');
  });
  afterEach(() => {
    vi.useRealTimers();
    rmSync(directory, { recursive: true });
  });

  const start = (log: Parameters<typeof startDaemon>[1] = silent): Promise<Daemon> => {
    const flags = new Map<string, readonly string[]>([
      ['path.procfs', [`${FIXTURE}proc`]],
      ['path.cgroupfs', [`${FIXTURE}cgroup`]],
      ...['path.kmsg', 'docker.host', 'podman.host', 'cri.endpoint', 'path.container-logs'].map(
        (flag) => [flag, ['']] as const,
      ),
      ['findings.accept-file', [path]],
    ]);
    return startDaemon(createConfig({ flags, environment: {}, collectors }), log);
  };

  /** The samples whose names begin so, without those of other containers. */
  const samplesOf = async (daemon: Daemon, prefix: string): Promise<readonly string[]> => {
    const text = Buffer.concat(await daemon.scrape({ format: 'text' })).toString();
    return text.split('\n').filter((line) => line.startsWith(prefix));
  };
  const accepted = async (daemon: Daemon) =>
    (await samplesOf(daemon, 'isolation_container_finding_accepted{')).map(
      (line) => /container="(\w+)",finding="(\w+)",severity="\w+"\} 1$/.exec(line)?.slice(1).join(' ') ?? line,
    );

  test('exports what is accepted beside the findings, for each container that has it', async () => {
    writeFileSync(path, file('host_pid_namespace, net_raw, privileged'));
    await using daemon = await start();
    const before = await samplesOf(daemon, 'isolation_container_');
    // It is not privileged, so that needs no acceptance.
    expect(await accepted(daemon)).toEqual([`${AGENT} net_raw`, `${AGENT} host_pid_namespace`]);
    expect(await samplesOf(daemon, 'isolation_exporter_accept_entries{')).toEqual([
      'isolation_exporter_accept_entries{state="active"} 1',
      'isolation_exporter_accept_entries{state="expired"} 0',
      'isolation_exporter_accept_entries{state="unmatched"} 0',
    ]);
    expect(await samplesOf(daemon, 'isolation_source_up{source="accept_file"}')).toEqual([
      'isolation_source_up{source="accept_file"} 1',
    ]);
    const agent = async () => (await daemon.look(readHost)).containers.find(({ id }) => id.startsWith(AGENT));
    expect((await agent())?.findings.flatMap((each) => (each.accepted ? each.finding.id : []))).toEqual([
      'net_raw',
      'host_pid_namespace',
    ]);
    const { isolationLevel } = (await agent()) ?? {};

    // Without acceptances nothing else changes, not even the level.
    writeFileSync(path, 'accept: []\n');
    const after = await samplesOf(daemon, 'isolation_container_');
    const isOfAcceptance = (line: string) => line.startsWith('isolation_container_finding_accepted');
    expect(before.filter((line) => !isOfAcceptance(line))).toEqual(after);
    expect((await agent())?.isolationLevel).toEqual(isolationLevel);
  });

  test('applies a changed file in the next scrape, and keeps the old entries if it is broken', async () => {
    writeFileSync(path, file('host_pid_namespace'));
    const errors: unknown[] = [];
    await using daemon = await start({ ...silent, error: (facts) => void errors.push(facts) });
    expect(await accepted(daemon)).toEqual([`${AGENT} host_pid_namespace`]);
    writeFileSync(path, file('host_pid_namespaces'));
    for (let scrape = 0; scrape < 2; scrape += 1) {
      expect(await accepted(daemon)).toEqual([`${AGENT} host_pid_namespace`]);
      expect(await samplesOf(daemon, 'isolation_source_up{source="accept_file"}')).toEqual([
        'isolation_source_up{source="accept_file"} 0',
      ]);
    }
    expect(errors).toEqual([
      {
        error: expect.stringMatching(
          /accept\.yml: line 2, entry 1: findings: there is no finding "host_pid_namespaces"/,
        ),
      },
    ]);
    writeFileSync(path, file('net_raw'));
    expect(await accepted(daemon)).toEqual([`${AGENT} net_raw`]);
    expect(await samplesOf(daemon, 'isolation_source_up{source="accept_file"}')).toEqual([
      'isolation_source_up{source="accept_file"} 1',
    ]);
  });

  test('ends an acceptance by the clock', async () => {
    writeFileSync(path, file('host_pid_namespace', ', expires: 2027-06-30'));
    const warnings: unknown[] = [];
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2027, 5, 30, 23, 59, 59) });
    await using daemon = await start({ ...silent, warn: (_, message) => void warnings.push(message) });
    expect(await accepted(daemon)).toEqual([`${AGENT} host_pid_namespace`]);
    vi.setSystemTime(Date.UTC(2027, 6, 1));
    expect(await accepted(daemon)).toEqual([]);
    expect(await samplesOf(daemon, 'isolation_exporter_accept_entries{state="expired"}')).toEqual([
      'isolation_exporter_accept_entries{state="expired"} 1',
    ]);
    expect(warnings).toEqual(['acceptance has expired']);
  });

  test('does not start with a broken file', async () => {
    writeFileSync(path, 'accept: [{}]\n');
    await expect(start()).rejects.toThrow(
      new Error(
        `${path}: line 1, entry 1: match: missing: name containers by engine, namespace, pod, container, image, labels`,
      ),
    );
  });
});

test('the example in docs/accepted-findings.md is valid', () => {
  const page = readFileSync(new URL('../docs/accepted-findings.md', import.meta.url), 'utf8');
  const examples = blocksOf(page, 'yaml').map(parseAcceptFile);
  expect(examples.map(({ length }) => length)).toEqual([3]);
});
