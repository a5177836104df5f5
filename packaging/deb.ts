import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONFIGURATION, compressed, contentsOf } from './contents.ts';
import type { PackagedFile, Source } from './contents.ts';
import { debianChangelog } from './debian-changelog.ts';
import { LONG_DESCRIPTION, distributionVersion, summaryOf } from './description.ts';
import { writeTree } from './write-tree.ts';

const DEBIAN = new URL('./debian/', import.meta.url);

/** Everything that the Debian package installs. */
export function debContents(source: Source): PackagedFile[] {
  const { root, name, version, date, maintainer } = source;
  const markdown = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const changelog = debianChangelog(markdown, { program: name, version, date, maintainer });
  const own: PackagedFile[] = [
    { path: `/usr/share/doc/${name}/changelog.gz`, mode: 0o644, content: compressed(changelog) },
    {
      path: `/usr/share/lintian/overrides/${name}`,
      mode: 0o644,
      content: readFileSync(new URL('lintian-overrides', DEBIAN)),
    },
  ];
  return [...contentsOf(source), ...own].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The files of the package's control archive. */
export function debControl(source: Source, files: readonly PackagedFile[]): PackagedFile[] {
  const control = (name: string, content: string, mode: 0o644 | 0o755 = 0o644): PackagedFile => ({
    path: `/DEBIAN/${name}`,
    mode,
    content: Buffer.from(content),
  });
  const script = (name: string) => control(name, readFileSync(new URL(name, DEBIAN), 'utf8'), 0o755);
  return [
    control('control', controlFile(source, files)),
    control('conffiles', `${CONFIGURATION}\n`),
    control('md5sums', checksums(files)),
    script('postinst'),
    script('postrm'),
    script('prerm'),
  ];
}

/**
 * Builds the package in a directory with dpkg-deb and returns its path. The same sources give the same bytes, whoever
 * builds them: all files have the date of the source, the owner root and the modes that are stated here.
 */
export function buildDeb(source: Source, directory: string): string {
  const files = debContents(source);
  const path = join(directory, `${source.name}_${distributionVersion(source.version)}_all.deb`);
  const tree = mkdtempSync(join(tmpdir(), 'isolation-exporter-deb-'));
  try {
    writeTree(tree, [...debControl(source, files), ...files], source.date);
    // One thread, because several divide the archive differently.
    const flags = ['--root-owner-group', '-Zxz', '--threads-max=1', '--build'];
    const environment = { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(source.date.getTime() / 1000)) };
    execFileSync('dpkg-deb', [...flags, tree, path], { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmSync(tree, { recursive: true });
  }
  return path;
}

function controlFile(source: Source, files: readonly PackagedFile[]): string {
  const { name, version, description, node, maintainer } = source;
  const fields = {
    Package: name,
    Version: distributionVersion(version),
    Architecture: 'all',
    Maintainer: maintainer,
    'Installed-Size': String(kilobytes(files)),
    // The second is what dh_installsysusers adds.
    Depends: `nodejs (${node.replace('>=', '>= ')}), systemd | systemd-standalone-sysusers | systemd-sysusers`,
    Suggests: 'prometheus',
    Section: 'net',
    Priority: 'optional',
    Description: [summaryOf(description), ...LONG_DESCRIPTION.split('\n').map((line) => ` ${line || '.'}`)].join('\n'),
  };
  return Object.entries(fields)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('');
}

/** As dpkg-gencontrol counts: each file in whole kilobytes, and one for each directory. */
function kilobytes(files: readonly PackagedFile[]): number {
  const folders = new Set(files.flatMap(({ path }) => foldersOf(path)));
  const sizes = files.map((file) => ('link' in file ? 1 : Math.ceil(file.content.length / 1024)));
  return folders.size + sizes.reduce((sum, size) => sum + size, 0);
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** The file by which dpkg --verify and debsums find changed files. */
function checksums(files: readonly PackagedFile[]): string {
  return files
    .flatMap((file) =>
      'link' in file || file.path === CONFIGURATION
        ? []
        : [`${createHash('md5').update(file.content).digest('hex')}  ${file.path.slice(1)}\n`],
    )
    .join('');
}
