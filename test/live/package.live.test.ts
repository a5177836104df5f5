import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDeb } from '../../packaging/deb.ts';
import { thisCheckout } from '../../packaging/source.ts';
import { type ContainerRelease, DebianContainer } from '../lab/debian-container.ts';
import { samplesOf } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLong, labOfRun } from '../lab/live.ts';
import { eventually, quote, succeed } from '../lab/machine.ts';

const UNIT = 'isolation-exporter.service';
const DEFAULTS = '/etc/default/isolation-exporter';
const PORT = 10_061;
const OTHER_PORT = 10_062;
/** The exit code of curl. */
const TIMED_OUT = 28;
/** Whatever dpkg would ask gets the default answer. */
const APT =
  'DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';

describeLong('the package on Debian 13', ['debian-container'], () => suite('trixie'));
describeLong("the package on Debian 12, with NodeSource's Node", ['debian-container'], () => suite('bookworm'));

function suite(release: ContainerRelease): void {
  const source = thisCheckout(process.env);
  let debian: DebianContainer;
  let deb: string;
  /** The files of the system without the package. */
  let before: readonly string[];

  beforeAll(async () => {
    debian = await DebianContainer.create(release, join(labOfRun().directory, release), [
      'curl',
      'iproute2',
      NODE[release],
    ]);
    deb = buildDeb(source, `${debian.root}/root`).slice(debian.root.length);
    await debian.boot();
    // Containers of systemd-nspawn have none.
    await succeed(debian, 'mknod -m 644 /dev/kmsg c 1 11');
  }, 900_000);
  afterAll(async () => {
    await debian?.[Symbol.asyncDispose]();
  });

  const inside = async (script: string) => await succeed(debian, script, { timeoutMs: 300_000 });
  const property = async (name: string) => await inside(`systemctl show -P ${name} ${UNIT}`);
  const scrape = async (port: number) =>
    await eventually(
      `the exporter answers on ${port}`,
      async () => {
        const { code, stdout } = await debian.run(`curl -sS --fail -m 10 http://127.0.0.1:${port}/metrics`);
        return code === 0 ? samplesOf(stdout) : undefined;
      },
      { timeoutMs: 30_000 },
    );

  const answers = async () => (await debian.run(`curl -sS -m 5 http://127.0.0.1:${OTHER_PORT}/-/healthy`)).code === 0;

  test.runIf(release === 'bookworm')("is refused with Debian 12's own Node", async () => {
    const { code, stdout } = await debian.run(`${APT} install ${deb}`, { timeoutMs: 300_000 });
    // The other tests need it in any case.
    await installNodeOfHost(debian);
    expect([code, stdout]).toEqual([
      100,
      expect.stringContaining('isolation-exporter : Depends: nodejs (>= 20.19) but '),
    ]);
  });

  test('installs, and starts its service', async () => {
    before = await filesOf(debian);
    await inside(`${APT} install ${deb}`);
    expect([await property('ActiveState'), await property('UnitFileState')]).toEqual(['active', 'enabled']);
    expect(await inside('dpkg --verify isolation-exporter; dpkg --audit')).toBe('');
    expect(await inside('id -un isolation-exporter && getent shadow isolation-exporter | cut -d: -f2')).toMatch(
      /^isolation-exporter\n!/,
    );
    const pid = await property('MainPID');
    expect(await inside(`stat -c %U /proc/${pid}`)).toBe('isolation-exporter');
  });

  test('serves complete metrics under its hardened unit', async () => {
    const samples = await scrape(PORT);
    const labels = samples.labels('isolation_exporter_build_info', {});
    expect([labels?.get('version'), labels?.get('revision')]).toEqual([source.version, source.revision]);
    const failing = samples.all.filter(
      ({ name, value }) => name === 'isolation_scrape_collector_success' && value !== 1,
    );
    expect(failing).toEqual([]);
    expect(samples.value('isolation_source_up', { source: 'kmsg' })).toBe(1);
    expect(await inside(`systemd-analyze security --no-pager --threshold=20 ${UNIT} > /dev/null; echo $?`)).toBe('0');
    expect((await debian.run(`systemd-analyze verify --man=no /usr/lib/systemd/system/${UNIT}`)).stderr).toBe('');
  });

  test('can be scraped from private addresses, and from public ones with public.conf', async () => {
    // 192.0.2.0/24 and 203.0.113.0/24 are for documentation; both addresses are this machine's.
    await inside('ip address add 10.11.12.13/32 dev lo && ip address add 203.0.113.1/32 dev lo');
    const from = async (address: string) =>
      (await debian.run(`curl -sS -m 3 --interface ${address} http://${address}:${PORT}/-/healthy`)).code;
    expect([await from('10.11.12.13'), await from('203.0.113.1')]).toEqual([0, TIMED_OUT]);
    await inside(`set -e
      install -D -m 644 -t /etc/systemd/system/${UNIT}.d /usr/share/isolation-exporter/systemd/public.conf
      systemctl daemon-reload && systemctl restart ${UNIT}`);
    expect(await from('203.0.113.1')).toBe(0);
    await inside(`rm -r /etc/systemd/system/${UNIT}.d
      systemctl daemon-reload && systemctl restart ${UNIT}`);
  });

  test('has the commands in PATH', async () => {
    expect(await inside('isolation-exporter --version')).toContain(`isolation-exporter ${source.version} (`);
    expect(JSON.parse(await inside('isolation-exporter scan --output json'))).toMatchObject({
      version: source.version,
    });
    expect(
      await inside(
        `bash -c '. /usr/share/bash-completion/completions/isolation-exporter; complete -p isolation-exporter'`,
      ),
    ).toBe('complete -F _isolation_exporter isolation-exporter');
  });

  test('keeps a changed default file and the state in an upgrade', async () => {
    await inside(`echo ISOLATION_EXPORTER_WEB_LISTEN_ADDRESS=127.0.0.1:${OTHER_PORT} >> ${DEFAULTS}`);
    const pid = await property('MainPID');
    const kept = await inside(`cat ${DEFAULTS}`);
    await inside(`test -s /var/lib/isolation-exporter/oom.json`);
    const next = await newerPackage(deb);
    await inside(`${APT} install ${next}`);
    expect(await inside("dpkg-query -W -f '${Version}' isolation-exporter")).toBe(`${source.version}+next`);
    expect(await inside(`cat ${DEFAULTS}`)).toBe(kept);
    expect(await inside(`tail -n 1 ${DEFAULTS}.dpkg-dist`)).toBe('# next');
    expect(await property('MainPID')).not.toBe(pid);
    expect((await scrape(OTHER_PORT)).value('isolation_source_up', { source: 'oom_state_file' })).toBe(1);
  });

  test('stays as it was switched off in an upgrade', async () => {
    await inside(`systemctl disable --now ${UNIT}`);
    await inside(`${APT} --allow-downgrades install ${deb}`);
    expect([await property('ActiveState'), await property('UnitFileState')]).toEqual(['inactive', 'disabled']);
    await inside(`systemctl enable --now ${UNIT}`);
    await scrape(OTHER_PORT);
  });

  test('is removed but for its options and its state, and comes back with them', async () => {
    await inside(`${APT} remove isolation-exporter`);
    expect(await property('LoadState')).not.toBe('loaded');
    expect(await answers()).toBe(false);
    const left = (await filesOf(debian)).filter((file) => !before.includes(file));
    // Not every release has this directory before.
    expect(left.filter((file) => !isOfAccounts(file) && !file.endsWith('.wants'))).toEqual([
      DEFAULTS,
      `${DEFAULTS}.dpkg-dist`,
      '/etc/systemd/system/multi-user.target.wants/isolation-exporter.service',
      '/var/lib/isolation-exporter',
      '/var/lib/isolation-exporter/oom.json',
      '/var/lib/systemd/deb-systemd-helper-enabled/isolation-exporter.service.dsh-also',
      '/var/lib/systemd/deb-systemd-helper-enabled/multi-user.target.wants/isolation-exporter.service',
    ]);
    await inside(`${APT} install ${deb}`);
    await scrape(OTHER_PORT);
  });

  test('leaves no trace after a purge but its locked user', async () => {
    await inside(`${APT} purge isolation-exporter`);
    expect(await answers()).toBe(false);
    const after = await filesOf(debian);
    expect(after.filter((file) => !before.includes(file) && !isOfAccounts(file))).toEqual([]);
    expect(before.filter((file) => !after.includes(file))).toEqual([]);
    expect(await inside('systemctl list-units --all --plain --no-legend "isolation*"')).toBe('');
    expect(await inside('getent passwd isolation-exporter')).toMatch(/:\/usr\/sbin\/nologin$/);
  });

  test.runIf(release === 'trixie')('has no error for lintian', async () => {
    // The container has no network.
    const inChroot = async (command: string) =>
      await host.run(`chroot ${quote(debian.root)} bash -c ${quote(command)}`, { timeoutMs: 600_000 });
    const installed = await inChroot(`${APT} update && ${APT} install lintian`);
    expect(installed.code, installed.stderr).toBe(0);
    const { code, stdout } = await inChroot(
      `lintian --allow-root --fail-on error,warning --tag-display-limit 0 ${deb}`,
    );
    expect([stdout, code]).toEqual(['', 0]);
  });

  /** The same package as a newer version with another default file. */
  async function newerPackage(path: string): Promise<string> {
    await inside(
      `set -e
      cd /root
      dpkg-deb --raw-extract ${path} next
      sed -i 's/^Version: .*/&+next/' next/DEBIAN/control
      echo '# next' >> next${DEFAULTS}
      dpkg-deb --root-owner-group --build next next.deb > /dev/null
      rm -r next`,
    );
    return '/root/next.deb';
  }
}

/** Debian 12 gets NodeSource's later, as a user would install it. */
const NODE: Readonly<Record<ContainerRelease, string>> = { trixie: 'nodejs', bookworm: 'libstdc++6' };

/** Files that creating a user changes, and those that every installation of a package may. */
function isOfAccounts(file: string): boolean {
  return /^\/etc\/(?:(?:passwd|shadow|group|gshadow)-?|\.pwd\.lock)$/.test(file);
}

/** All files of the system but those of a package manager, logs and devices. */
async function filesOf(debian: DebianContainer): Promise<string[]> {
  const files = await succeed(
    host,
    `cd ${quote(debian.root)} && find . -xdev \\( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./tmp \\
      -o -path ./root -o -path ./var/log -o -path ./var/cache -o -path ./var/tmp -o -path ./var/lib/dpkg -o -path ./var/lib/apt \\
      -o -path ./usr/lib/python3 -o -name __pycache__ \\) -prune -o -print`,
  );
  return files
    .split('\n')
    .map((file) => file.slice(1))
    .toSorted();
}

/**
 * A package like NodeSource's: its name and version scheme, with the Node of the host, which runs on the libraries of
 * Debian 12. NodeSource's own cannot be fetched on every machine.
 */
async function installNodeOfHost(debian: DebianContainer): Promise<void> {
  const tree = `${debian.root}/root/node`;
  const control = `Package: nodejs
Version: ${process.versions.node}-1nodesource1
Architecture: amd64
Maintainer: Nobody <nobody@nodesource.example>
Description: Node.js of the host`;
  await succeed(
    host,
    `set -e
    install -D ${quote(process.execPath)} ${tree}/usr/bin/node
    mkdir ${tree}/DEBIAN
    echo ${quote(control)} > ${tree}/DEBIAN/control
    dpkg-deb --root-owner-group -Znone --build ${tree} ${tree}.deb > /dev/null
    rm -r ${tree}`,
  );
  await succeed(debian, `${APT} install /root/node.deb`, { timeoutMs: 300_000 });
}
