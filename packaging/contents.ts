import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts';
import { copyrightFile } from './copyright.ts';
import { manPage } from './man-page.ts';
import { bundledModules } from './modules.ts';

/** A file in the package. All of them belong to root. */
export type PackagedFile =
  | { readonly path: string; readonly mode: 0o644 | 0o755; readonly content: Buffer }
  /** A symbolic link. */
  | { readonly path: string; readonly link: string };

/** What a package is built from. */
export interface Source {
  /** The root of the repository, after `npm ci` and `npm run build`. */
  readonly root: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** The range of Node versions, such as `>=20.19`. */
  readonly node: string;
  /** The commit; `undefined` outside a git checkout. */
  readonly revision: string | undefined;
  /** The date of everything in the package, so that the same sources give the same bytes. */
  readonly date: Date;
  /** `Name <address>`. */
  readonly maintainer: string;
}

/** Where the instructions in docs/deploy.md put the program, and where a package does. */
const LOCAL = '/usr/local/lib/isolation-exporter';
const PROGRAM = '/usr/lib/isolation-exporter';
const SHARE = '/usr/share/isolation-exporter';
const DOC = '/usr/share/doc/isolation-exporter';

/** The configuration that a user edits. An upgrade keeps it. */
export const CONFIGURATION = '/etc/default/isolation-exporter';

/** Everything that a package of any distribution contains, sorted by path. */
export function contentsOf(source: Source): PackagedFile[] {
  const files = [...programFiles(source), ...systemFiles(source), ...sharedFiles(source), ...documents(source)];
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The compiled program and the packages that it loads. */
function programFiles({ root, name, version, revision }: Source): PackagedFile[] {
  const dist = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  );
  const manifest = { name, version, revision, license: 'Apache-2.0', type: 'module' };
  const cli = textOf(root, 'dist/cli.js');
  return [
    text(`${PROGRAM}/package.json`, `${JSON.stringify(manifest, undefined, 2)}\n`),
    ...dist
      .filter((file) => file !== 'cli.js')
      .map((file) => text(`${PROGRAM}/dist/${file}`, withoutMap(textOf(root, `dist/${file}`)))),
    { path: `${PROGRAM}/dist/cli.js`, mode: 0o755, content: Buffer.from(withoutMap(withNodeOfSystem(cli))) },
    { path: '/usr/bin/isolation-exporter', link: '../lib/isolation-exporter/dist/cli.js' },
    ...bundledModules(root).flatMap(({ path, files }) =>
      files.map((file) => copy(root, `${path}/${file}`, `${PROGRAM}/${path}/${file}`)),
    ),
  ];
}

/** The service: the files of deploy/systemd, with the program's place in a package. */
function systemFiles({ root }: Source): PackagedFile[] {
  const unit = (file: string, path: string) => text(path, inPackage(textOf(root, `deploy/systemd/${file}`)));
  return [
    unit('isolation-exporter.service', '/usr/lib/systemd/system/isolation-exporter.service'),
    copy(root, 'deploy/systemd/isolation-exporter.sysusers', '/usr/lib/sysusers.d/isolation-exporter.conf'),
    copy(root, 'deploy/systemd/isolation-exporter.default', CONFIGURATION),
    ...readdirSync(join(root, 'deploy/systemd/drop-ins')).map((file) =>
      unit(`drop-ins/${file}`, `${SHARE}/systemd/${file}`),
    ),
  ];
}

/** Rules and dashboards. */
function sharedFiles({ root }: Source): PackagedFile[] {
  const folder = (from: string, to: string) =>
    readdirSync(join(root, from), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:ya?ml|json)$/.test(file))
      .map((file) => copy(root, `${from}/${file}`, `${SHARE}/${to}/${file}`));
  return [
    copy(root, 'deploy/prometheus/alerts.yml', `${SHARE}/prometheus/alerts.yml`),
    ...folder('deploy/prometheus/fleet', 'prometheus/fleet'),
    ...folder('deploy/prometheus/scrape', 'prometheus/scrape'),
    ...folder('deploy/victoria-metrics', 'victoria-metrics'),
    ...folder('deploy/alertmanager', 'alertmanager'),
    ...folder('grafana/dashboards', 'grafana'),
  ];
}

/** Manual, completions, documents and licences. */
function documents(source: Source): PackagedFile[] {
  const { root, name, version, description, date } = source;
  const pages = ['docs', 'docs/runbooks'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  );
  return [
    {
      path: '/usr/share/man/man1/isolation-exporter.1.gz',
      mode: 0o644,
      content: compressed(manPage({ version, description, date })),
    },
    text(`/usr/share/bash-completion/completions/${name}`, bashCompletion()),
    text(`/usr/share/zsh/vendor-completions/_${name}`, zshCompletion()),
    text(`/usr/share/fish/vendor_completions.d/${name}.fish`, fishCompletion()),
    ...['README.md', 'SECURITY.md', ...pages].map((file) => copy(root, file, `${DOC}/${file}`)),
    text(`${DOC}/copyright`, copyrightFile(root, name, bundledModules(root))),
  ];
}

/** Without the time that gzip would add. */
export function compressed(content: string): Buffer {
  return gzipSync(content, { level: 9 });
}

/** Moves the program in a unit or drop-in from where docs/deploy.md puts it to where a package does. */
export function inPackage(unit: string): string {
  return unit.replaceAll(LOCAL, PROGRAM);
}

/** A package runs the system's Node, whatever `PATH` says. */
function withNodeOfSystem(cli: string): string {
  const line = /^#!\/usr\/bin\/env -S node (.*)\n/.exec(cli);
  if (line === null) throw new Error('dist/cli.js does not start with /usr/bin/env -S node');
  return cli.replace(line[0], `#!/usr/bin/node ${line[1]}\n`);
}

function withoutMap(code: string): string {
  return code.replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
}

function textOf(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function text(path: string, content: string): PackagedFile {
  return { path, mode: 0o644, content: Buffer.from(content) };
}

function copy(root: string, from: string, path: string): PackagedFile {
  return { path, mode: 0o644, content: readFileSync(join(root, from)) };
}
