import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCgroupLayout } from '../src/kernel/cgroup-layout.ts';
import { bootGuest } from '../test/lab/guest.ts';
import { host } from '../test/lab/host.ts';
import { type Machine, succeed } from '../test/lab/machine.ts';
import { INCUSD } from '../test/live/incus.ts';
import { type Platform, renderPlatforms } from '../test/platforms/platforms-table.ts';
import { suitePlatforms } from './suite-platforms.ts';

/** An engine, and the suites that try it. */
interface Engine {
  readonly name: string;
  /** The guest that has it; absent: this machine. Suites of guests run with `LAB=all`. */
  readonly guest?: 'forky';
  /** Bash that prints the versions. */
  readonly version: string;
  /** What each suite shows if all of its tests pass. */
  readonly suites: Readonly<Record<string, string>>;
}

const PODMANS_VERSIONS = `$(podman --version | awk '{ print $3 }'), conmon $(conmon --version | awk 'NR == 1 { print $3 }')`;
const RUNC = `runc $(runc --version | awk 'NR == 1 { print $3 }')`;
const CRUN = `crun $(crun --version | awk 'NR == 1 { print $3 }')`;

/** What a suite on another platform shows. */
const AS_LISTED = 'list, names, images, runtimes, limits, levels and findings as the engine has them';

const ENGINES: readonly Engine[] = [
  {
    name: 'Docker',
    version: `echo "$(dockerd --version | grep -o '[0-9][^ ,]*' | head -n 1), ${RUNC}"`,
    suites: {
      docker: 'limits, namespaces, throttling, OOM kills and pressure of its containers',
      'docker-names': 'names and init processes',
      'several-dockers': 'several engines, labels, renamed containers',
      swarm: 'tasks, services and stacks of Swarm',
    },
  },
  {
    name: 'Podman',
    version: `echo "${PODMANS_VERSIONS}, ${RUNC}"`,
    suites: {
      podman: 'names with and without its API, pods, kills of removed containers, containers without a cgroup',
    },
  },
  {
    name: 'containerd',
    version: `echo "$(containerd --version | awk '{ print $3 }'), ${RUNC}"`,
    suites: {
      containerd: 'containers of other clients',
      cri: 'pods with names from its socket and from the names of log files',
    },
  },
  {
    name: 'Docker',
    guest: 'forky',
    version: `echo "$(dockerd --version | grep -o '[0-9][^ ,]*' | head -n 1), ${RUNC}, ${CRUN}"`,
    suites: { forky: `${AS_LISTED}; OOM kills of a group and refused forks` },
  },
  {
    name: 'Podman',
    guest: 'forky',
    version: `echo "${PODMANS_VERSIONS}, ${CRUN}"`,
    suites: { forky: AS_LISTED, 'forky-others': 'list, limits and level of a container of a user' },
  },
  {
    name: 'containerd',
    guest: 'forky',
    // Debian's does not know its revision.
    version: `echo "$(containerd --version | awk '{ sub(/[+]unknown$/, "", $3); print $3 }'), ${RUNC}, ${CRUN}"`,
    suites: { 'forky-others': 'list, limits and levels of containers of ctr' },
  },
  {
    name: 'LXC',
    guest: 'forky',
    version: 'lxc-start --version',
    suites: { 'forky-others': 'list, limits and level' },
  },
  {
    name: 'Incus',
    guest: 'forky',
    version: `${INCUSD} --version`,
    suites: { 'forky-others': 'list, limits and level, also in a project of its own' },
  },
  {
    name: 'systemd-nspawn',
    guest: 'forky',
    version: `systemd-nspawn --version | grep -o '[(].*[)]' | head -n 1 | tr -d '()'`,
    suites: { 'forky-others': 'list, limits and levels, with and without a user namespace' },
  },
];

const PAGE = new URL('../docs/platforms.md', import.meta.url).pathname;

/** Leaves out what runs in the guest, which has another kernel. */
const HERE = '^(?!Docker on cgroup v2)';

/** Which suites passed: all tests of the file that ran, and at least one. */
function passed(suites: readonly string[], lab: Readonly<Record<string, string>>): ReadonlySet<string> {
  if (suites.length === 0) return new Set();
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-platforms-'));
  const report = join(directory, 'report.json');
  const files = suites.map((suite) => `test/live/${suite}.live.test.ts`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const names = ['--testNamePattern', HERE];
  spawnSync('npx', ['vitest', 'run', '--project', 'live', ...reporters, ...names, ...files], {
    stdio: 'inherit',
    env: { ...process.env, ...lab },
  });
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

/** Prints something about this machine. */
async function printed(machine: Machine, script: string): Promise<string> {
  return (await succeed(machine, script)).trim();
}

/** Its rows: of engines for which a suite passed. */
async function rowsOf(
  machine: Machine,
  cgroups: string,
  ofMachine: readonly Engine[],
  good: ReadonlySet<string>,
): Promise<Platform[]> {
  const rows: Platform[] = [];
  for (const { name, version, suites } of ofMachine) {
    const works = Object.entries(suites).flatMap(([suite, shows]) => (good.has(suite) ? shows : []));
    if (works.length === 0) continue;
    const kernel = await printed(machine, 'uname -r');
    const date = new Date().toISOString().slice(0, 10);
    rows.push({ kernel, cgroups, engine: name, version: await printed(machine, version), works, date });
  }
  return rows;
}

// Words are names of engines, or of a guest.
const wanted = process.argv.slice(2);
const isWanted = ({ name, guest }: Engine) =>
  wanted.length === 0 || wanted.includes(name) || wanted.includes(guest ?? 'host');
const engines = ENGINES.filter(isWanted);
const suitesOf = (some: readonly Engine[]) => [...new Set(some.flatMap(({ suites }) => Object.keys(suites)))];

const here = engines.filter(({ guest }) => guest === undefined);
const found = await rowsOf(host, findCgroupLayout('/proc', '/sys/fs/cgroup').version, here, passed(suitesOf(here), {}));
const there = engines.filter(({ guest }) => guest === 'forky');
const good = passed(suitesOf(there), { LAB: 'all' });
if (good.size > 0) {
  const directory = mkdtempSync('/tmp/isolation-exporter-guest-');
  await using guest = await bootGuest({ flavour: 'forky', directory, owner: process.pid });
  found.push(...(await rowsOf(guest, 'v2', there, good)));
}
found.push(...suitePlatforms(wanted));
writeFileSync(PAGE, renderPlatforms(found, existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''));
