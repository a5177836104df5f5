import { chmodSync, cpSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltProgram, startProgram } from '../hostile/built-program.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/guest-v2-docker-systemd', import.meta.url));
/** Runs the program as nobody if the tests run as root, because root can read every file. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

let host: string;

beforeAll(() => {
  host = mkdtempSync(join(tmpdir(), 'isolation-exporter-denied-'));
  chmodSync(host, 0o755);
  cpSync(FIXTURE, host, { recursive: true, verbatimSymlinks: true });
});

afterAll(() => {
  rmSync(host, { recursive: true });
});

function startOnHost(): Promise<BuiltProgram> {
  return startProgram([`--path.procfs=${host}/proc`, `--path.cgroupfs=${host}/cgroup`], NOBODY);
}

/** Files and directories of the host, of the first two processes and of one container. */
function filesBelow(top: string): string[] {
  return readdirSync(join(host, top), { recursive: true, encoding: 'utf8' })
    .map((name) => join(top, name))
    .filter((name) => !/^proc\/(?!1\/|2\/)\d+/.test(name) && !lstatSync(join(host, name)).isSymbolicLink());
}

/** Runs with a file that nobody may read. */
async function withDenied<T>(file: string, run: () => Promise<T>): Promise<T> {
  const path = join(host, file);
  const { mode } = statSync(path);
  chmodSync(path, 0);
  try {
    return await run();
  } finally {
    chmodSync(path, mode);
  }
}

/** The series of an exposition that do not depend on when it was made. */
function seriesIn(exposition: string): Set<string> {
  const lines = exposition
    .split('\n')
    .filter((line) => line.startsWith('isolation_') && !/_age_seconds|_duration/.test(line));
  return new Set(lines.map((line) => line.replace(/ \S+$/, '')));
}

function namesOf(series: readonly string[]): string[] {
  return [...new Set(series.map((one) => one.replace(/\{.*/, '')))];
}

describe('a file of the host that may not be read', () => {
  it('fails neither page nor scrape, and costs only the series that come from it', async () => {
    await using program = await startOnHost();
    const before = seriesIn((await program.get('/metrics')).body);
    expect(before.size).toBeGreaterThan(300);
    const lost: Record<string, string[]> = {};
    for (const file of filesBelow('proc')) {
      await withDenied(file, async () => {
        const { status, body } = await program.get('/metrics');
        expect([file, status]).toEqual([file, 200]);
        expect([file, (await program.get('/')).status]).toEqual([file, 200]);
        expect([file, (await program.get('/metrics?collect[]=pids')).status]).toEqual([file, 200]);
        const now = seriesIn(body);
        const missing = [...before].filter((series) => !now.has(series) && !series.startsWith('isolation_host_info'));
        if (missing.length > 0) lost[file] = namesOf(missing);
      });
    }
    // /proc/vmstat stays open.
    expect(lost).toMatchInlineSnapshot(`
      {
        "proc/meminfo": [
          "isolation_host_memory_bytes",
        ],
        "proc/stat": [
          "isolation_host_cpu_cores",
        ],
      }
    `);
  });

  it('costs only the series that come from it, if it was never readable', async () => {
    const seriesOf = async (): Promise<Set<string>> => {
      await using program = await startOnHost();
      return seriesIn((await program.get('/metrics')).body);
    };
    const before = await seriesOf();
    const now = await withDenied('proc/vmstat', seriesOf);
    const missing = [...before].filter((series) => !now.has(series));
    expect(namesOf(missing)).toMatchInlineSnapshot(`
      [
        "isolation_host_oom_kills_total",
        "isolation_oom_kills_unattributed_total",
        "isolation_oom_kills_expired_total",
      ]
    `);
  });

  it('does not keep the program from starting', async () => {
    // All files except the mount table, which shows where the cgroups are.
    const files = [
      'pressure/cpu',
      'vmstat',
      'stat',
      'sys/kernel/osrelease',
      'sys/kernel/random/boot_id',
      'diskstats',
      '1/ns',
      '2/status',
    ];
    for (const file of files) {
      await withDenied(join('proc', file), async () => {
        await using program = await startOnHost();
        expect([file, (await program.get('/metrics')).status]).toEqual([file, 200]);
      });
    }
  });
});
