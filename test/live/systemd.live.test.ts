import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, startDocker } from '../lab/docker.ts';
import { samplesOf, type Samples } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import { type Machine, quote, succeed } from '../lab/machine.ts';
import { type ContainerName, runContainers, untilComplete, untilShown, within } from './docker-containers.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const UNITS = join(REPOSITORY, 'deploy/systemd');
const UNIT = 'isolation-exporter.service';
const DROP_INS = ['diagnose.conf', 'docker.conf', 'public.conf', 'rootless.conf'] as const;
type DropIn = (typeof DROP_INS)[number];

/** The highest exposure that `systemd-analyze security` may report, times 10, where it is not 20. */
const MOST_EXPOSED: Readonly<Record<string, number>> = { 'public.conf': 22 };

/** The checkout's directory in the guest. */
const CHECKOUT = '/root/checkout';

/** The instructions of docs/deploy.md, as root in a built checkout. */
const [, INSTALL = 'false'] =
  /<!-- install -->\s*```sh\n([\s\S]*?)```/.exec(readFileSync(join(REPOSITORY, 'docs/deploy.md'), 'utf8')) ?? [];

describeLive('the unit as systemd-analyze sees it', ['guest-systemd'], () => {
  test.each(['nothing', ...DROP_INS])('is closed but for what it needs, with %s added', async (dropIn) => {
    const add =
      dropIn === 'nothing' ? '' : `install -D -m 644 ${quote(join(UNITS, 'drop-ins', dropIn))} ${UNIT}.d/it.conf`;
    const outcome = await host.run(
      `work=$(mktemp -d)
      trap 'rm -r "$work"' EXIT
      # It also reads what lies beside a unit.
      cd "$work"
      cp ${quote(join(UNITS, UNIT))} .
      ${add}
      systemd-analyze security --offline=true --no-pager --threshold=${MOST_EXPOSED[dropIn] ?? 20} "$work/${UNIT}"`,
    );
    expect(outcome.code, outcome.stdout).toBe(0);
    expect(outcome.stderr).toBe('');
  });
});

describeLong('the unit, installed and started', ['guest-systemd', 'docker'], () => {
  let guest: Machine;
  let docker: Docker;
  let ids: Readonly<Record<ContainerName, string>>;

  beforeAll(async () => {
    guest = await checkedOut();
    // A socket like that of rootless Podman: in a directory that only its owner may enter.
    await succeed(
      guest,
      `set -e
      echo 1 > /proc/sys/kernel/dmesg_restrict
      getent group docker || groupadd --system docker
      useradd --uid 1000 --non-unique --user-group alice
      install -d -m 700 -o alice -g alice /run/user/1000
      install -d -m 755 -o alice -g alice /run/user/1000/podman`,
    );
    const rootless = '/run/user/1000/podman/podman.sock';
    docker = await startDocker(guest, {
      cgroupDriver: 'systemd',
      flags: ['--group=docker', '--host=unix:///run/docker.sock', `--host=unix://${rootless}`],
    });
    await succeed(guest, `chown alice:alice ${rootless}`);
    ids = await runContainers(docker);
    const network = `nsenter --net --target ${await docker.pidOf(ids.limited)} ip link add eth0 type veth peer name eth1`;
    await succeed(guest, network);
    await succeed(guest, `cd ${CHECKOUT}\nset -e\n${INSTALL}`, { timeoutMs: 600_000 });
  }, 1_200_000);

  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
    await guest?.run(
      `systemctl disable --now isolation-exporter
      userdel alice
      rm -rf ${CHECKOUT} /var/lib/isolation-exporter /run/user/1000 /usr/local/lib/isolation-exporter /etc/default/isolation-exporter \\
        /etc/sysusers.d/isolation-exporter.conf /etc/systemd/system/${UNIT} /etc/systemd/system/${UNIT}.d
      systemctl daemon-reload`,
    );
  });

  const scrape = async (): Promise<Samples> =>
    samplesOf(`${await succeed(guest, 'curl -sS --fail -m 300 http://127.0.0.1:10061/metrics')}\n`);
  const exporter = { scrape };

  /** Restarts the unit with only these drop-ins. */
  const restartWith = async (dropIns: readonly DropIn[]) => {
    const from = (name: string) => `${CHECKOUT}/deploy/systemd/drop-ins/${name}`;
    await succeed(
      guest,
      `set -e
      rm -rf /etc/systemd/system/${UNIT}.d
      install -d /etc/systemd/system/${UNIT}.d
      ${dropIns.map((name) => `install -m 644 ${from(name)} /etc/systemd/system/${UNIT}.d`).join('\n')}
      systemctl daemon-reload
      systemctl restart ${UNIT}`,
      { timeoutMs: 300_000 },
    );
    await within(guest, 'it answers', async () => (await scrape()).all.length > 0);
  };

  const failing = (samples: Samples) =>
    samples.all.filter(({ name, value }) => name === 'isolation_scrape_collector_success' && value !== 1);
  const status = async (field: string) =>
    (await succeed(guest, `grep ^${field}: /proc/$(systemctl show -P MainPID ${UNIT})/status`)).split('\t').slice(1);
  const journal = async (level: string) =>
    await succeed(
      guest,
      `journalctl -u ${UNIT} -o cat _PID=$(systemctl show -P MainPID ${UNIT}) | grep level=${level} || true`,
    );

  test('verifies', async () => {
    const outcome = await guest.run(`systemd-analyze verify --man=no /etc/systemd/system/${UNIT}`);
    expect(outcome).toEqual({ stdout: '', stderr: '', code: 0 });
  });

  test('runs as its own user, with two capabilities and no way to more', async () => {
    const [uid] = await status('Uid');
    expect(uid).toBe(await succeed(guest, 'id -u isolation-exporter'));
    expect(uid).not.toBe('0');
    // CAP_SYS_PTRACE is 19, CAP_SYSLOG 34.
    const two = (2n ** 19n + 2n ** 34n).toString(16).padStart(16, '0');
    for (const set of ['CapEff', 'CapPrm', 'CapBnd']) expect(await status(set)).toEqual([two]);
    expect(await status('NoNewPrivs')).toEqual(['1']);
  });

  test('exports everything except names', async () => {
    await untilShown(guest, exporter, Object.values(ids));
    const samples = await scrape();
    expect(failing(samples)).toEqual([]);
    const container = (name: ContainerName) => ({ container: ids[name].slice(0, 12) });
    for (const ns of ['pid', 'net']) {
      const shared = (name: ContainerName) =>
        samples.value('isolation_container_host_namespace', { ...container(name), ns });
      expect([shared('exposed'), shared('limited')]).toEqual([1, 0]);
    }
    const received = { ...container('limited'), interface: 'eth0' };
    expect(samples.value('isolation_container_network_receive_bytes_total', received)).toBe(0);
    expect(samples.value('isolation_container_memory_limit_bytes', container('limited'))).toBe(67_108_864);
    expect(samples.value('isolation_container_cpu_throttled_seconds_total', container('limited'))).toBeGreaterThan(0);
    expect(samples.value('isolation_container_memory_limited', container('unlimited'))).toBe(0);
    // The exporter identifies the host's namespaces by its init, which it can only inspect with CAP_SYS_PTRACE.
    const witness = samples.labels('isolation_host_namespace_reference_info', { ns: 'net' });
    expect(witness?.get('source')).toBe('pid1');
    for (const source of ['cgroup_watch', 'host_namespaces', 'psi', 'vmstat']) {
      expect(samples.value('isolation_source_up', { source }), source).toBe(1);
    }
    expect(samples.value('isolation_source_up', { source: 'docker' })).toBe(0);
    // The limit suffices to keep the files of all containers open.
    expect(await succeed(guest, `grep 'open files' /proc/$(systemctl show -P MainPID ${UNIT})/limits`)).toMatch(
      / 65536 /,
    );
  });

  test('reads /dev/kmsg, which only CAP_SYSLOG opens', async () => {
    expect((await scrape()).value('isolation_source_up', { source: 'kmsg' })).toBe(1);
    const read = 'setpriv --reuid=65534 --clear-groups --inh-caps=-all head -c 1 /dev/kmsg';
    expect((await guest.run(read)).stderr).toContain('Operation not permitted');
  });

  test('keeps its state where nobody else may look', async () => {
    await succeed(guest, `systemctl restart ${UNIT}`, { timeoutMs: 300_000 });
    const [mode, owner, file] = (
      await succeed(guest, 'cd /var/lib/isolation-exporter && stat -c "%a %U" . && ls')
    ).split(/\s/);
    expect([mode, owner, file]).toEqual(['700', 'isolation-exporter', 'oom.json']);
    await within(guest, 'it answers', async () => (await scrape()).all.length > 0);
    expect((await scrape()).value('isolation_source_up', { source: 'oom_state_file' })).toBe(1);
  });

  test('names containers of Docker with docker.conf', async () => {
    // The dockerd has been idle: an emulated one answers its first request late.
    await docker.cli('version');
    await restartWith(['docker.conf', 'diagnose.conf']);
    await untilComplete(guest, exporter);
    const samples = await scrape();
    expect(failing(samples)).toEqual([]);
    expect(samples.value('isolation_source_up', { source: 'docker' })).toBe(1);
    expect(await journal('warn')).toBe('');
  });

  test('has nothing kept from it, and says so with diagnose.conf', async () => {
    // `diagnose` ran before the unit counted as started.
    expect(await succeed(guest, `journalctl -u ${UNIT} -o cat -n 100`)).toMatch(/All \d+ checks passed/);
  });

  test.runIf(process.env['LAB'] === 'all')('is restarted by the watchdog when it stands still', async () => {
    const property = async (name: string) => await succeed(guest, `systemctl show -P ${name} ${UNIT}`);
    // Nobody waits for two minutes here.
    await succeed(
      guest,
      `set -e
      install -d /etc/systemd/system/${UNIT}.d
      printf '[Service]\nWatchdogSec=20s\nTimeoutAbortSec=1s\n' > /etc/systemd/system/${UNIT}.d/quick.conf
      systemctl daemon-reload
      systemctl restart ${UNIT}`,
      { timeoutMs: 300_000 },
    );
    const pid = await property('MainPID');
    // It reports in time as long as it runs.
    await succeed(guest, 'sleep 45');
    expect([await property('ActiveState'), await property('MainPID')]).toEqual(['active', pid]);
    await succeed(guest, `kill -STOP ${pid}`);
    await within(guest, 'another process', async () => !['0', pid].includes(await property('MainPID')));
    await within(guest, 'it answers', async () => (await scrape()).all.length > 0);
    // Not by its unit: in the guest systemd writes to the kernel's log.
    await succeed(guest, `journalctl -o cat | grep '${UNIT}: Watchdog timeout'`);
  });

  test("reaches a user's socket with rootless.conf", async () => {
    await restartWith(['rootless.conf']);
    const up = async () => (await scrape()).value('isolation_source_up', { source: 'podman' });
    await within(guest, 'the socket answers', async () => (await up()) === 1);
  });
});

/** The guest, with a built checkout of this repository and only the packages that it needs to run. */
async function checkedOut(): Promise<Machine> {
  const guest = await sharedGuest('systemd');
  const files = join(guest.share, 'files');
  await succeed(
    host,
    `set -e
    mkdir ${files}/checkout
    cd ${quote(REPOSITORY)}
    cp -r package.json package-lock.json .npmrc dist deploy ${files}/checkout
    cd ${files}/checkout
    npm ci --omit=dev
    # One large file is there soon; thousands of small ones take minutes on their way.
    tar -cf ../checkout.tar .
    rm -r ${files}/checkout`,
    { timeoutMs: 120_000 },
  );
  await succeed(
    guest,
    `set -e
    mkdir ${CHECKOUT}
    tar -C ${CHECKOUT} -xf /lab/files/checkout.tar
    # The unit uses /usr/bin/node.
    test -x /usr/bin/node || cp ${quote(process.execPath)} /usr/bin/node`,
    { timeoutMs: 300_000 },
  );
  return guest;
}
