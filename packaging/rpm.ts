import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CONFIGURATION, contentsOf } from './contents.ts';
import type { PackagedFile, Source } from './contents.ts';
import { LONG_DESCRIPTION, distributionVersion, summaryOf } from './description.ts';
import { bundledModules } from './modules.ts';
import { writeTree } from './write-tree.ts';

/** Everything that the RPM installs: what the Debian package does, where Fedora has it. */
export function rpmContents(source: Source): PackagedFile[] {
  const { root, name } = source;
  const moved = contentsOf(source).map((file) => ({ ...file, path: inFedora(file.path) }));
  // Outside of Debian there is no common-licenses for the copyright file to refer to.
  const own: PackagedFile[] = [
    [`/usr/share/licenses/${name}/LICENSE`, 'LICENSE'] as const,
    [`/usr/share/doc/${name}/CHANGELOG.md`, 'CHANGELOG.md'] as const,
  ].map(([path, file]) => ({ path, mode: 0o644, content: readFileSync(join(root, file)) }));
  return [...moved, ...own].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function inFedora(path: string): string {
  return path
    .replace('/zsh/vendor-completions/', '/zsh/site-functions/')
    .replace(/^\/usr\/share\/doc\/([^/]+)\/copyright$/, '/usr/share/licenses/$1/copyright');
}

/**
 * Builds the RPM in a directory with rpmbuild and returns its path. The same sources and the same rpmbuild give the same
 * bytes.
 */
export function buildRpm(source: Source, directory: string): string {
  const { name, date } = source;
  const work = mkdtempSync(join(tmpdir(), 'isolation-exporter-rpm-'));
  try {
    const files = rpmContents(source);
    const tree = join(work, 'tree');
    writeTree(tree, files, date);
    const spec = join(work, `${name}.spec`);
    writeFileSync(spec, specOf(source, files, tree));
    const macros = {
      _topdir: work,
      _rpmfilename: `%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm`,
      _buildhost: 'reproducible',
      use_source_date_epoch_as_buildtime: '1',
      clamp_mtime_to_source_date_epoch: '1',
      _binary_payload: 'w9.gzdio',
      // The scripts of a distribution would compress, strip and rewrite files.
      __os_install_post: '%{nil}',
    };
    const defines = Object.entries(macros).flatMap(([macro, value]) => ['--define', `${macro} ${value}`]);
    execFileSync('rpmbuild', ['-bb', '--quiet', ...defines, spec], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const file = `${name}-${distributionVersion(source.version)}-1.noarch.rpm`;
    execFileSync('cp', [join(work, 'RPMS', file), directory]);
    return join(directory, file);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function specOf(source: Source, files: readonly PackagedFile[], tree: string): string {
  const { name, version, description, node, root } = source;
  const script = (section: string) =>
    `%${section}\n${readFileSync(new URL(`./rpm/${section}`, import.meta.url), 'utf8')}`;
  return `Name: ${name}
Version: ${distributionVersion(version)}
Release: 1
Summary: ${summaryOf(description)}
License: ${licensesOf(root)}
BuildArch: noarch
# "nodejs(engine)" has no epoch, unlike the package nodejs.
Requires: nodejs(engine) ${node.replace('>=', '>= ')}
Requires: /usr/bin/node
Requires: systemd
AutoReqProv: no

%description
${LONG_DESCRIPTION}

%install
cp -a ${tree}/. %{buildroot}

${script('post')}
${script('preun')}
${script('postun')}
%files
%defattr(-,root,root,-)
${fileList(files, name).join('\n')}
`;
}

/** Files, and the directories that belong to this package alone. */
function fileList(files: readonly PackagedFile[], name: string): string[] {
  const folders = new Set(files.flatMap(({ path }) => ownFolders(dirname(path), name)));
  return [
    ...[...folders].toSorted().map((folder) => `%dir "${folder}"`),
    ...files.map(({ path }) => `${kindOf(path)}"${path}"`),
  ];
}

function ownFolders(folder: string, name: string): string[] {
  return folder.includes(`/${name}`) ? [folder, ...ownFolders(dirname(folder), name)] : [];
}

function kindOf(path: string): string {
  if (path === CONFIGURATION) return '%config(noreplace) ';
  if (path.startsWith('/usr/share/licenses/')) return '%license ';
  return path.startsWith('/usr/share/doc/') || path.startsWith('/usr/share/man/') ? '%doc ' : '';
}

/** The licences of the program and of what it bundles, as an SPDX expression. */
function licensesOf(root: string): string {
  const licenses = new Set(['Apache-2.0', ...bundledModules(root).map(({ license }) => license)]);
  return [...licenses].map((license) => (license.includes(' ') ? `(${license})` : license)).join(' AND ');
}
