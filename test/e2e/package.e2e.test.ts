import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDeb } from '../../packaging/deb.ts';
import { bundledModules } from '../../packaging/modules.ts';
import { thisCheckout } from '../../packaging/source.ts';

const source = thisCheckout({ SOURCE_DATE_EPOCH: '1800000000' });
const PROGRAM = 'usr/lib/isolation-exporter';

/** Everything outside the program, its documents and the files that share a folder with others of their kind. */
const MANIFEST = `
etc/default/isolation-exporter
usr/bin/isolation-exporter -> ../lib/isolation-exporter/dist/cli.js
usr/lib/systemd/system/isolation-exporter.service
usr/lib/sysusers.d/isolation-exporter.conf
usr/share/bash-completion/completions/isolation-exporter
usr/share/fish/vendor_completions.d/isolation-exporter.fish
usr/share/isolation-exporter/alertmanager/alertmanager.yml
usr/share/isolation-exporter/grafana/container.json
usr/share/isolation-exporter/grafana/exporter.json
usr/share/isolation-exporter/grafana/fleet.json
usr/share/isolation-exporter/grafana/posture.json
usr/share/isolation-exporter/prometheus/alerts.yml
usr/share/isolation-exporter/prometheus/fleet/remote-write-mimir.yml
usr/share/isolation-exporter/prometheus/fleet/remote-write-thanos.yml
usr/share/isolation-exporter/prometheus/fleet/rules.yml
usr/share/isolation-exporter/prometheus/fleet/tests/rules_test.yml
usr/share/isolation-exporter/prometheus/scrape/docker-sd.yml
usr/share/isolation-exporter/prometheus/scrape/file-sd.yml
usr/share/isolation-exporter/prometheus/scrape/http-sd.yml
usr/share/isolation-exporter/prometheus/scrape/kubernetes-sd.yml
usr/share/isolation-exporter/prometheus/scrape/static.yml
usr/share/isolation-exporter/prometheus/scrape/targets/hosts.yml
usr/share/isolation-exporter/systemd/diagnose.conf
usr/share/isolation-exporter/systemd/docker.conf
usr/share/isolation-exporter/systemd/layers.conf
usr/share/isolation-exporter/systemd/public.conf
usr/share/isolation-exporter/systemd/rootless.conf
usr/share/isolation-exporter/victoria-metrics/alerts.yml
usr/share/lintian/overrides/isolation-exporter
usr/share/man/man1/isolation-exporter.1.gz
usr/share/zsh/vendor-completions/_isolation-exporter
`;

describe.runIf(spawnSync('dpkg-deb', ['--version']).status === 0)('the Debian package', () => {
  const work = mkdtempSync(join(tmpdir(), 'isolation-exporter-deb-test-'));
  const unpacked = join(work, 'unpacked');
  let deb: string;
  beforeAll(() => {
    deb = buildDeb(source, work);
    execFileSync('dpkg-deb', ['--raw-extract', deb, unpacked]);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  const listed = () =>
    execFileSync('dpkg-deb', ['--contents', deb], { encoding: 'utf8', maxBuffer: 1e8 })
      .trim()
      .split('\n')
      .map((line) => {
        const [, mode = '', owner = '', date = '', path = ''] =
          /^(\S+) (\S+) +\d+ (\S+ \S+) \.\/(.*)$/.exec(line) ?? [];
        return { mode, owner, date, path };
      });

  it('contains what the manifest lists, and nothing else', () => {
    const files = listed().filter(({ mode }) => !mode.startsWith('d'));
    const others = files
      .map(({ path }) => path)
      .filter((path) => !path.startsWith(`${PROGRAM}/`) && !path.startsWith('usr/share/doc/'));
    expect(others.toSorted()).toEqual(MANIFEST.trim().split('\n').toSorted());
    const documents = files.map(({ path }) => path.replace('usr/share/doc/isolation-exporter/', ''));
    for (const name of [
      'copyright',
      'changelog.gz',
      'README.md',
      'docs/metrics.md',
      'docs/runbooks/IsolationHostOOMKill.md',
    ]) {
      expect(documents).toContain(name);
    }
  });

  it('has the compiled program and the packages of production', () => {
    const paths = listed().map(({ path }) => path);
    const expected = bundledModules(source.root).flatMap(({ path, files }) =>
      files.map((file) => `${PROGRAM}/${path}/${file}`),
    );
    const modules = paths.filter((path) => path.startsWith(`${PROGRAM}/node_modules/`) && !path.endsWith('/'));
    expect(modules.toSorted()).toEqual(expected.toSorted());
    expect(paths.filter((path) => /\.(?:map|ts|node)$/.test(path))).toEqual([]);
    expect(statSync(deb).size).toBeLessThan(1.5e6);
  });

  it('belongs to root, in two modes and with one date', () => {
    const entries = listed();
    expect(new Set(entries.map(({ owner }) => owner))).toEqual(new Set(['root/root']));
    expect(new Set(entries.map(({ date }) => date)).size).toBe(1);
    const modes = new Set(entries.map(({ mode }) => mode));
    expect(modes).toEqual(new Set(['drwxr-xr-x', '-rw-r--r--', '-rwxr-xr-x', 'lrwxrwxrwx']));
    const executable = entries.filter(({ mode }) => mode === '-rwxr-xr-x').map(({ path }) => path);
    expect(executable).toEqual([`${PROGRAM}/dist/cli.js`]);
  });

  it('is the same, byte for byte, when somebody else builds it', () => {
    const again = mkdtempSync(join(work, 'again-'));
    chmodSync(again, 0o755);
    const before = process.umask(0o077);
    let other: string;
    try {
      other = buildDeb(source, again);
    } finally {
      process.umask(before);
    }
    expect(readFileSync(other).equals(readFileSync(deb))).toBe(true);
  });

  it('declares its configuration, its Node and where it came from', () => {
    const control = readFileSync(join(unpacked, 'DEBIAN/control'), 'utf8');
    expect(control).toContain(`\nVersion: ${source.version}\n`);
    expect(control).toMatch(/^Depends: nodejs \(>= 20\.19\), /m);
    expect(readFileSync(join(unpacked, 'DEBIAN/conffiles'), 'utf8')).toBe('/etc/default/isolation-exporter\n');
    expect(JSON.parse(readFileSync(join(unpacked, PROGRAM, 'package.json'), 'utf8'))).toMatchObject({
      version: source.version,
      revision: source.revision,
    });
    const changelog = gunzipSync(
      readFileSync(join(unpacked, 'usr/share/doc/isolation-exporter/changelog.gz')),
    ).toString();
    expect(changelog.split('\n')[0]).toContain(`(${source.version})`);
  });

  it('has the files of deploy/systemd', () => {
    for (const [here, there] of [
      ['isolation-exporter.default', 'etc/default/isolation-exporter'],
      ['isolation-exporter.sysusers', 'usr/lib/sysusers.d/isolation-exporter.conf'],
    ] as const) {
      expect(readFileSync(join(unpacked, there), 'utf8')).toBe(
        readFileSync(join(source.root, 'deploy/systemd', here), 'utf8'),
      );
    }
    const unit = readFileSync(join(unpacked, 'usr/lib/systemd/system/isolation-exporter.service'), 'utf8');
    expect(unit).toMatch(/^ExecStart=\/usr\/bin\/node .* \/usr\/lib\/isolation-exporter\/dist\/cli\.js$/m);
  });

  it('runs from where it is unpacked, with every package that the program names', () => {
    expect(readlinkSync(join(unpacked, 'usr/bin/isolation-exporter'))).toBe('../lib/isolation-exporter/dist/cli.js');
    const cli = join(unpacked, PROGRAM, 'dist/cli.js');
    expect(readFileSync(cli, 'utf8').split('\n')[0]).toBe('#!/usr/bin/node --max-semi-space-size=1');
    const run = (...flags: string[]) => execFileSync(process.execPath, flags, { encoding: 'utf8', cwd: '/' });
    expect(run(cli, '--version')).toMatch(`isolation-exporter ${source.version} `);
    const { dependencies } = JSON.parse(readFileSync(join(source.root, 'package.json'), 'utf8')) as {
      readonly dependencies: object;
    };
    const load = Object.keys(dependencies).map((name) => `await import(require.resolve('${name}'));`);
    const from = `import { createRequire } from 'node:module'; const require = createRequire('${cli}');`;
    // A package without a CommonJS entry is resolved as the program does.
    const program = `${from} ${load.join(' ')} console.log('loaded');`;
    expect(run('--input-type=module', '--eval', program)).toBe('loaded\n');
  });
});
