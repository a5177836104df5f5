import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectors } from '../src/collectors/index.ts';
import { createConfig, type Config } from '../src/config/config.ts';
import { startDaemon } from '../src/daemon/daemon.ts';

const FIXTURE = new URL('fixtures/guest-v2-docker-systemd', import.meta.url).pathname;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A container of the captured host, its init, and the parent of that. */
const CONTAINER = '1c304c76b5c5';
const CGROUP = `cgroup/system.slice/docker-${CONTAINER}53ee9dd41e8e7325e3e6ac30ca1f5d5c98ebb930bb27c87872b8.scope`;
const [INIT, PARENT] = ['proc/388', 'proc/366'];

const NO_SUCH_FORMAT = (): string => 'no such format\nno such format\n';
const valueOf =
  (key: string, value: string) =>
  (text: string): string =>
    text.replace(new RegExp(`^${key} .*$`, 'm'), `${key} ${value}`);

const MOUNT_FINDINGS = [
  'block_device',
  'cgroup_writable',
  'critical_host_path_writable',
  'engine_socket',
  'host_path_mounted',
  'host_root_mounted',
  'mount_propagation_to_host',
  'proc_unmasked',
  'root_file_system_writable',
  'sensitive_path_mounted',
  'sys_writable',
];

/** What may be unknown because of one file: findings, and families that lose a sample. */
interface Expected {
  readonly findings?: readonly string[];
  readonly families?: readonly string[];
  /** The collectors that say so. */
  readonly failing: readonly string[];
}

/** A file, what is wrong with it, and what that may cost. */
const CASES: readonly (readonly [file: string, damage: (text: string) => string, expected: Expected])[] = [
  [
    `${INIT}/limits`,
    NO_SUCH_FORMAT,
    {
      findings: ['ulimits_raised'],
      families: ['container_init_open_files_limit'],
      failing: ['descriptors', 'posture'],
    },
  ],
  [`${PARENT}/limits`, NO_SUCH_FORMAT, { findings: ['ulimits_raised'], failing: ['posture'] }],
  [`${PARENT}/status`, NO_SUCH_FORMAT, { findings: ['all_capabilities'], failing: ['posture'] }],
  [`${INIT}/oom_score_adj`, NO_SUCH_FORMAT, { findings: ['oom_score_protected'], failing: ['posture'] }],
  [
    `${INIT}/uid_map`,
    NO_SUCH_FORMAT,
    {
      findings: ['capabilities_kept', 'host_root_mapped', 'host_user_namespace', 'net_raw'],
      families: ['container_security_info'],
      failing: ['posture'],
    },
  ],
  [
    `${INIT}/mountinfo`,
    NO_SUCH_FORMAT,
    {
      findings: MOUNT_FINDINGS,
      families: ['container_isolation_level', 'container_isolation_level_certain', 'container_security_info'],
      failing: ['posture'],
    },
  ],
  [
    'proc/1/net/unix',
    NO_SUCH_FORMAT,
    {
      findings: ['engine_socket'],
      families: ['container_isolation_level', 'container_isolation_level_certain'],
      failing: ['posture'],
    },
  ],
  [
    `${CGROUP}/memory.max`,
    NO_SUCH_FORMAT,
    {
      findings: ['memory_unlimited'],
      families: [
        'container_memory_events_total',
        'container_memory_limit_bytes',
        'container_memory_limited',
        'container_memory_own_limit_bytes',
      ],
      failing: ['drift', 'findings', 'limits', 'memory'],
    },
  ],
  [
    `${CGROUP}/cpu.max`,
    NO_SUCH_FORMAT,
    {
      findings: ['cpu_unlimited'],
      families: ['container_cpu_limited'],
      failing: ['cpu', 'drift', 'findings', 'limits'],
    },
  ],
  [
    `${CGROUP}/pids.max`,
    NO_SUCH_FORMAT,
    {
      findings: ['pids_unlimited'],
      families: ['container_pids_limit', 'container_pids_limit_hits_total', 'container_pids_limited'],
      failing: ['drift', 'findings', 'limits', 'pids'],
    },
  ],
  [
    `${CGROUP}/memory.stat`,
    valueOf('file_mapped', '-4096'),
    { families: ['container_memory_mapped_file_bytes'], failing: ['memory'] },
  ],
  [
    `${CGROUP}/memory.stat`,
    valueOf('sock', '18446744073709547520'),
    { families: ['container_memory_unreclaimable_bytes'], failing: ['memory'] },
  ],
  [
    `${CGROUP}/memory.stat`,
    valueOf('pgfault', '-1'),
    { families: ['container_memory_faults_total'], failing: ['memory'] },
  ],
];

describe('one file that cannot be parsed', () => {
  let folder: string;
  let config: Config;
  let before: readonly string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-damaged-'));
    cpSync(FIXTURE, folder, { recursive: true, verbatimSymlinks: true });
    const flags = new Map<string, readonly string[]>([
      ['path.procfs', [`${folder}/proc`]],
      ['path.cgroupfs', [`${folder}/cgroup`]],
      ...['path.kmsg', 'docker.host', 'podman.host'].map((name) => [name, ['']] as const),
    ]);
    config = createConfig({ flags, environment: {}, collectors });
    before = await samples();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The samples of the container, and how the collectors did. */
  async function samples(): Promise<readonly string[]> {
    await using daemon = await startDaemon(config, silent);
    const text = Buffer.concat(await daemon.scrape({ format: 'text' })).toString();
    return text
      .split('\n')
      .filter(
        (line) => line.includes(`container="${CONTAINER}"`) || line.startsWith('isolation_scrape_collector_success'),
      );
  }

  it.each(CASES)('leaves unknown only what is in it: %s', async (file, damage, expected) => {
    const path = join(folder, file);
    const content = readFileSync(path, 'utf8');
    const damaged = damage(content);
    expect(damaged).not.toBe(content);
    writeFileSync(path, damaged);
    try {
      const after = await samples();
      const changed = [
        ...before.filter((line) => !after.includes(line)),
        ...after.filter((line) => !before.includes(line)),
      ];
      const matches = (pattern: RegExp): string[] => [
        ...new Set(changed.flatMap((line) => pattern.exec(line)?.[1] ?? [])),
      ];
      expect({
        findings: matches(/finding="(\w+)"/).toSorted(),
        families: matches(/^isolation_(container_(?!finding)\w+)\{/).toSorted(),
        failing: matches(/^isolation_scrape_collector_success\{collector="(\w+)"\} 0$/).toSorted(),
      }).toEqual({ findings: [], families: [], ...expected });
      expect(changed.filter((line) => /_finding\{.* 1$/.test(line) && !before.includes(line))).toEqual([]);
    } finally {
      writeFileSync(path, content);
    }
  });
});
