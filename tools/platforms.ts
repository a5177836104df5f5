import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCgroupLayout } from '../src/kernel/cgroup-layout.ts';
import { type Platform, renderPlatforms } from '../test/platforms/platforms-table.ts';

/** An engine of this machine, and the suites that try it. */
interface Engine {
  readonly name: string;
  /** Bash that prints the versions. */
  readonly version: string;
  /** What each suite shows if all of its tests pass. */
  readonly suites: Readonly<Record<string, string>>;
}

const ENGINES: readonly Engine[] = [
  {
    name: 'Docker',
    version: `echo "$(dockerd --version | grep -o '[0-9][^ ,]*' | head -n 1), runc $(runc --version | awk 'NR == 1 { print $3 }')"`,
    suites: {
      docker: 'limits, namespaces, throttling, OOM kills and pressure of its containers',
      'docker-names': 'names and init processes',
      'several-dockers': 'several engines, labels, renamed containers',
      swarm: 'tasks, services and stacks of Swarm',
    },
  },
  {
    name: 'Podman',
    version: `echo "$(podman --version | awk '{ print $3 }'), conmon $(conmon --version | awk 'NR == 1 { print $3 }'), runc $(runc --version | awk 'NR == 1 { print $3 }')"`,
    suites: {
      podman: 'names with and without its API, pods, kills of removed containers, containers without a cgroup',
    },
  },
  {
    name: 'containerd',
    version: `echo "$(containerd --version | awk '{ print $3 }'), runc $(runc --version | awk 'NR == 1 { print $3 }')"`,
    suites: {
      containerd: 'containers of other clients',
      cri: 'pods with names from its socket and from the names of log files',
    },
  },
];

const PAGE = new URL('../docs/platforms.md', import.meta.url).pathname;

/** Leaves out what runs in the guest, which has another kernel. */
const HERE = '^(?!Docker on cgroup v2)';

/** Which suites passed: all tests of the file that ran, and at least one. */
function passed(suites: readonly string[]): ReadonlySet<string> {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-platforms-'));
  const report = join(directory, 'report.json');
  const files = suites.map((suite) => `test/live/${suite}.live.test.ts`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const names = ['--testNamePattern', HERE];
  spawnSync('npx', ['vitest', 'run', '--project', 'live', ...reporters, ...names, ...files], { stdio: 'inherit' });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly testResults: readonly {
      readonly name: string;
      readonly status: string;
      readonly assertionResults: readonly { readonly status: string }[];
    }[];
  };
  rmSync(directory, { recursive: true });
  return new Set(
    suites.filter((suite) =>
      testResults.some(
        ({ name, status, assertionResults }) =>
          name.endsWith(`/${suite}.live.test.ts`) &&
          status === 'passed' &&
          assertionResults.some((test) => test.status === 'passed'),
      ),
    ),
  );
}

function printed(script: string): string {
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim();
}

const wanted = process.argv.slice(2);
const engines = ENGINES.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const good = passed(engines.flatMap(({ suites }) => Object.keys(suites)));
const found = engines.flatMap(({ name, version, suites }): Platform | readonly Platform[] => {
  const works = Object.entries(suites).flatMap(([suite, shows]) => (good.has(suite) ? shows : []));
  if (works.length === 0) return [];
  return {
    kernel: printed('uname -r'),
    cgroups: findCgroupLayout('/proc', '/sys/fs/cgroup').version,
    engine: name,
    version: printed(version),
    works,
    date: new Date().toISOString().slice(0, 10),
  };
});
writeFileSync(PAGE, renderPlatforms(found, existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''));
