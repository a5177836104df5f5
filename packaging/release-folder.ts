import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from './contents.ts';
import { buildDeb } from './deb.ts';
import { provenance, sha256 } from './provenance.ts';
import { buildRpm } from './rpm.ts';
import { cycloneDx } from './sbom.ts';

/**
 * Builds everything that a release has into an empty directory: the tarball for npm, the Debian package, the RPM, the Helm chart, the
 * list of packages, the provenance and the checksums. The same commit and tools give the same bytes.
 *
 * @throws Error if a tool is missing, or the directory exists.
 */
export function buildRelease(source: Source, directory: string): void {
  const { root, name, version } = source;
  mkdirSync(directory, { recursive: false });
  const run = (program: string, ...argv: readonly string[]) =>
    execFileSync(program, argv, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  run('npm', 'pack', '--silent', '--ignore-scripts', `--pack-destination=${directory}`);
  buildDeb(source, directory);
  buildRpm(source, directory);
  buildChart(source, join(directory, `${name}-chart-${version}.tgz`));
  writeFileSync(join(directory, `${name}-${version}.cdx.json`), cycloneDx(source));
  const files = () =>
    readdirSync(directory)
      .toSorted()
      .map((file) => join(directory, file));
  const first = (text: string) => text.split('\n')[0] ?? '';
  const tools = {
    node: process.version,
    npm: run('npm', '--version'),
    'dpkg-deb': first(run('dpkg-deb', '--version')),
    rpmbuild: first(run('rpmbuild', '--version')),
  };
  writeFileSync(join(directory, `${name}-${version}.intoto.json`), provenance(source, files(), tools));
  const sums = files().map((file) => `${sha256(file)}  ${file.slice(directory.length + 1)}\n`);
  writeFileSync(join(directory, 'SHA256SUMS'), sums.join(''));
}

/** What `helm package` makes: the chart with the files that its links lead to. */
function buildChart({ root, name, date }: Source, path: string): void {
  const clean = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  const flags = ['--dereference', '--exclude=.helmignore', `--mtime=@${Math.floor(date.getTime() / 1000)}`];
  const archive = execFileSync('tar', ['-C', join(root, 'deploy/helm'), ...clean, ...flags, '-c', name], {
    maxBuffer: 1e8,
  });
  writeFileSync(path, execFileSync('gzip', ['-9', '-n'], { input: archive, maxBuffer: 1e8 }));
}
