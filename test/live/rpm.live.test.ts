import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { debContents } from '../../packaging/deb.ts';
import { buildRelease } from '../../packaging/release-folder.ts';
import { buildRpm } from '../../packaging/rpm.ts';
import { thisCheckout } from '../../packaging/source.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { quote, succeed } from '../lab/machine.ts';

const source = thisCheckout({ SOURCE_DATE_EPOCH: '1800000000' });

describeLive('the RPM', ['rpm'], () => {
  const work = mkdtempSync(join(tmpdir(), 'isolation-exporter-rpm-test-'));
  let rpm: string;
  beforeAll(() => {
    rpm = buildRpm(source, work);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  /** One line for each file or dependency. */
  const query = (...flags: readonly string[]) =>
    execFileSync('rpm', ['-qp', '--nosignature', ...flags, rpm], { encoding: 'utf8', maxBuffer: 1e8 })
      .split('\n')
      .filter((line) => line !== '');

  it('contains what the Debian package does, where Fedora has it', () => {
    const entries = query('--qf', '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]');
    const files = entries.filter((entry) => !entry.startsWith('d')).map((entry) => entry.split(' ')[2] ?? '');
    const inDebian = debContents(source)
      .map(({ path }) => path)
      .filter((path) => !path.includes('/lintian/') && !path.endsWith('/changelog.gz'));
    const moved = [
      '/usr/share/zsh/site-functions/_isolation-exporter',
      '/usr/share/licenses/isolation-exporter/copyright',
      '/usr/share/licenses/isolation-exporter/LICENSE',
      '/usr/share/doc/isolation-exporter/CHANGELOG.md',
    ];
    const unmoved = inDebian.filter((path) => !path.includes('/zsh/') && !path.endsWith('/copyright'));
    expect(files.toSorted()).toEqual([...unmoved, ...moved].toSorted());
    expect(new Set(entries.map((entry) => entry.split(' ')[1]))).toEqual(new Set(['root']));
    const modes = new Set(entries.map((entry) => entry.split(' ')[0]));
    expect(modes).toEqual(new Set(['drwxr-xr-x', '-rw-r--r--', '-rwxr-xr-x', 'lrwxrwxrwx']));
  });

  it('owns its directories, and none of the system', () => {
    const folders = query('--qf', '[%{FILEMODES:perms} %{FILENAMES}\n]').filter((entry) => entry.startsWith('d'));
    expect(folders.filter((entry) => !entry.includes('/isolation-exporter'))).toEqual([]);
    expect(folders).toContain('drwxr-xr-x /usr/lib/isolation-exporter/node_modules/@grpc');
  });

  it('declares its configuration, its licences and what it needs', () => {
    expect(query('--configfiles')).toEqual(['/etc/default/isolation-exporter']);
    expect(query('--licensefiles')).toHaveLength(2);
    const needs = query('--requires').filter((line) => !line.startsWith('rpmlib(') && line !== '/bin/sh');
    expect(needs.toSorted()).toEqual(['/usr/bin/node', 'nodejs(engine) >= 20.19', 'systemd']);
    const [about = ''] = query('--qf', '%{NAME} %{VERSION} %{ARCH} %{LICENSE}\n');
    expect(about).toMatch(`isolation-exporter ${source.version} noarch Apache-2.0 AND `);
  });

  it('hands its unit to systemd as the macros of Fedora do', () => {
    const scripts = query('--scripts').join('\n');
    for (const step of ['install-system-units', 'remove-system-units', 'mark-restart-system-units']) {
      expect(scripts).toContain(`systemd-update-helper ${step} isolation-exporter.service || :`);
    }
  });

  it('is installed and removed by rpm, but for changed options', async () => {
    const root = join(work, 'root');
    const config = join(root, 'etc/default/isolation-exporter');
    const inRoot = `rpm --root ${quote(root)}`;
    // The root has neither Node nor systemd.
    await succeed(host, `mkdir ${quote(root)} && ${inRoot} --nosignature --nodeps --noscripts -i ${quote(rpm)}`);
    expect(await succeed(host, `${inRoot} --verify isolation-exporter --nodeps`)).toBe('');
    const version = `${process.execPath} ${root}/usr/lib/isolation-exporter/dist/cli.js --version`;
    expect(await succeed(host, version)).toContain(`isolation-exporter ${source.version} (`);
    await succeed(host, `echo '# changed' >> ${quote(config)} && ${inRoot} --noscripts -e isolation-exporter`);
    const left = await succeed(host, `cd ${quote(root)} && find . -name '*isolation*'`);
    expect(left).toBe('./etc/default/isolation-exporter.rpmsave');
  });

  it('is the same, byte for byte, when it is built again', () => {
    const again = buildRpm(source, mkdtempSync(join(work, 'again-')));
    expect(readFileSync(again).equals(readFileSync(rpm))).toBe(true);
  });
});

describeLive('the folder of a release', ['rpm'], () => {
  const { name, version } = source;
  const folder = join(mkdtempSync(join(tmpdir(), 'isolation-exporter-release-test-')), version);
  beforeAll(() => buildRelease(source, folder));
  afterAll(() => rmSync(join(folder, '..'), { recursive: true, force: true }));
  const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');

  it('has all packages, and checksums of all files', async () => {
    const packages = [
      `${name}_${version}_all.deb`,
      `${name}-${version}-1.noarch.rpm`,
      `${name}-${version}.tgz`,
      `${name}-chart-${version}.tgz`,
    ];
    const about = [`${name}-${version}.cdx.json`, `${name}-${version}.intoto.json`, 'SHA256SUMS'];
    expect(readdirSync(folder).toSorted()).toEqual([...packages, ...about].toSorted());
    const checked = await succeed(host, `cd ${quote(folder)} && sha256sum --check --strict SHA256SUMS`);
    expect(checked.split('\n')).toHaveLength(packages.length + 2);
  });

  it('says what it was built from', () => {
    const { subject, predicate } = JSON.parse(textOf(`${name}-${version}.intoto.json`)) as {
      readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
      readonly predicate: { readonly buildDefinition: { readonly resolvedDependencies: unknown } };
    };
    const sums = textOf('SHA256SUMS');
    expect(subject).toHaveLength(5);
    for (const { name: file, digest } of subject) expect(sums).toContain(`${digest.sha256}  ${file}\n`);
    expect(predicate.buildDefinition.resolvedDependencies).toMatchObject([
      { digest: { gitCommit: source.revision } },
      {},
    ]);
  });

  it('has the chart with its files, and no link', () => {
    const list = (flags: string) =>
      execFileSync('tar', [flags, join(folder, `${name}-chart-${version}.tgz`)], { encoding: 'utf8' })
        .trim()
        .split('\n');
    expect(new Set(list('-tvzf').map((line) => line[0]))).toEqual(new Set(['-', 'd']));
    expect(list('-tzf')).toEqual(
      expect.arrayContaining([`${name}/Chart.yaml`, `${name}/files/alerts.yml`, `${name}/files/dashboards/fleet.json`]),
    );
  });
});
