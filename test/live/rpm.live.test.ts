import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { debContents } from '../../packaging/deb.ts';
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
