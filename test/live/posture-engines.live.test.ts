import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Docker, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { describeLong, sharedGuest } from '../lab/live.ts';
import type { Machine } from '../lab/machine.ts';
import { type OtherName, type Others, startOthers } from './isolated-containers.ts';
import { untilJudged, verdictOn } from './levels.ts';

// Time-outs inside the test expire before this one, because their messages say what was missing.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 2_400_000 });

/** The measured levels. The exact findings depend on the version of each engine. */
const EXPECTED: Readonly<
  Record<OtherName, { readonly engine: string; readonly level: number; readonly sandbox: string }>
> = {
  nspawn: { engine: 'nspawn', level: 0, sandbox: 'nspawn' },
  lxc: { engine: 'lxc', level: 0, sandbox: 'lxc' },
  lxcUser: { engine: 'lxc', level: 3, sandbox: 'lxc' },
  ctr: { engine: 'containerd', level: 1, sandbox: 'oci' },
  rootless: { engine: 'podman', level: 3, sandbox: 'oci-rootless' },
  rootlessPrivileged: { engine: 'podman', level: 1, sandbox: 'oci-rootless' },
};

// The suite uses Docker's containerd and image, but none of its containers.
describeLong('the isolation of containers without Docker', ['guest-systemd', 'docker', 'engines'], () => {
  let guest: Machine;
  let docker: Docker;
  let others: Others;
  let exporter: Exporter;

  beforeAll(async () => {
    guest = await sharedGuest('systemd');
    docker = await startDocker(guest, { cgroupDriver: 'systemd' });
    others = await startOthers(guest, docker);
    exporter = await startExporter(guest, { flags: ['--docker.host='] });
    await untilJudged(guest, exporter, Object.values(others.names));
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await others?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  test.each(Object.entries(EXPECTED))('%s', async (name, { engine, level, sandbox }) => {
    const container = others.names[name as OtherName];
    expect(verdictOn(await exporter.scrape(), container, engine)).toMatchObject({ level, sandbox });
  });
});
