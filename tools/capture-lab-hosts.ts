/**
 * Captures the fixtures of this repository again: starts each host of the lab with Docker and with containers that are limited,
 * hit their limits or share the host's namespaces, and runs capture-fixture.ts there. It needs what the live suites need.
 *
 *     npx tsx tools/capture-lab-hosts.ts [HOST]...
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startDocker } from '../test/lab/docker.ts';
import type { Docker } from '../test/lab/docker.ts';
import { bootGuest, type Guest, SHARE_IN_GUEST } from '../test/lab/guest.ts';
import type { GuestFlavour } from '../test/lab/guest.ts';
import { host } from '../test/lab/host.ts';
import { type Machine, quote, succeed } from '../test/lab/machine.ts';
import { prepareLab } from '../test/lab/prepare.ts';
import { runPodmanScenarios } from './capture/podman-scenarios.ts';
import { runScenarios, type Scenario } from './capture/scenarios.ts';

const REPOSITORY = join(import.meta.dirname, '..');
const FIXTURES = join(REPOSITORY, 'test/fixtures');

const HOSTS: Readonly<Record<string, () => Promise<void>>> = {
  'host-v1-docker': async () => {
    await using docker = await startDocker(host);
    await capture('host-v1-docker', docker, FIXTURES);
  },
  'guest-v2-docker-cgroupfs': () => captureGuest('guest-v2-docker-cgroupfs', 'plain'),
  'guest-v2-docker-systemd': () => captureGuest('guest-v2-docker-systemd', 'systemd'),
  'guest-v2-newer': () => captureGuest('guest-v2-newer', 'systemd-newer'),
  'guest-v2-forky': () => captureGuest('guest-v2-forky', 'forky', runPodmanScenarios),
};

const asked = process.argv.slice(2);
const missing = await prepareLab();
for (const reason of Object.values(missing)) console.warn(reason.text);
for (const name of asked.length === 0 ? Object.keys(HOSTS) : asked) {
  const captureHost = HOSTS[name];
  if (captureHost === undefined) throw new Error(`No such host: ${name}. There are: ${Object.keys(HOSTS).join(', ')}`);
  await captureHost();
}

async function captureGuest(
  name: string,
  flavour: GuestFlavour,
  runMore: (machine: Machine) => Promise<readonly Scenario[]> = () => Promise.resolve([]),
): Promise<void> {
  const directory = mkdtempSync('/tmp/isolation-exporter-guest-');
  await using guest: Guest = await bootGuest({ flavour, directory, owner: process.pid });
  const docker = await startDocker(guest, { cgroupDriver: flavour === 'plain' ? 'cgroupfs' : 'systemd' });
  await capture(name, docker, `${SHARE_IN_GUEST}/files`, await runMore(guest));
  rmSync(join(FIXTURES, name), { recursive: true, force: true });
  cpSync(join(guest.share, 'files', name), join(FIXTURES, name), { recursive: true, verbatimSymlinks: true });
}

/** @param more scenarios that have been run already. */
async function capture(name: string, docker: Docker, out: string, more: readonly Scenario[] = []): Promise<void> {
  const { machine, directory } = docker;
  const scenarios = [...(await runScenarios(docker)), ...more];
  // In the mount table, a path below a mounted /tmp appears without /tmp.
  const bases = [directory, directory.replace(/^\/tmp/, '')];
  const words = [
    name,
    '--out',
    out,
    '--docker-socket',
    docker.socket,
    ...bases.flatMap((base) => ['--rename', `${base}/data=/var/lib/docker`, '--rename', `${base}/exec=/run/docker`]),
    ...bases.flatMap((base) => ['--rename', `${base}/docker.sock=/run/docker.sock`]),
    ...scenarios.flatMap(({ id, note }) => ['--note', `\`${id.slice(0, 12)}\` ${note}`]),
    '--containers',
    ...scenarios.map(({ id, cgroup = docker.cgroupOf(id) }) => cgroup),
  ];
  const script = `cd ${quote(REPOSITORY)} && node --import tsx tools/capture-fixture.ts ${quote(...words)}`;
  console.log(await succeed(machine, script, { timeoutMs: 60_000 * machine.slowness }));
}
