import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the version of the program stands: the text before it, in each file. */
const PLACES: Readonly<Record<string, readonly RegExp[]>> = {
  'package.json': [/^ {2}"version": "/m],
  'package-lock.json': [/^ {2}"version": "/m, /^ {4}"": \{\n {6}"name": "isolation-exporter",\n {6}"version": "/m],
  Dockerfile: [/image\.version="/, /isolation-exporter:/],
  'deploy/docker/compose.yaml': [/ image: isolation-exporter:/],
  'deploy/kubernetes/base/kustomization.yaml': [/newTag: /],
  'deploy/helm/isolation-exporter/Chart.yaml': [/^version: /m, /^appVersion: /m],
  'docs/deploy.md': [/--tag isolation-exporter:/, /10061 isolation-exporter:/],
  'docs/scan.md': [/isolation-exporter:/],
  'README.md': [/^isolation-exporter (?=\S+, run in)/m],
};

/** A version by semver.org, without build metadata. */
const VERSION = /\d+\.\d+\.\d+(?:-[\w.]+)?/;

/** One place where a file names the version. */
export interface VersionPlace {
  readonly path: string;
  readonly version: string;
}

/** All places that name the version. @throws Error if one is missing. */
export function versionPlaces(root: string): readonly VersionPlace[] {
  return Object.entries(PLACES).flatMap(([path, places]) => {
    const text = readFileSync(join(root, path), 'utf8');
    return places.map((before) => {
      const version = new RegExp(`${before.source}(${VERSION.source})`, before.flags).exec(text)?.[1];
      if (version === undefined) throw new Error(`${path} names no version after ${before.source}`);
      return { path, version };
    });
  });
}

/**
 * Makes a version of what is unreleased: writes it into all places, and dates the changes below `## Unreleased`.
 *
 * @param day such as 2026-12-01.
 * @throws Error if the version is not one, or nothing is unreleased. Then no file is changed.
 */
export function setVersion(root: string, version: string, day: string): void {
  if (!new RegExp(`^${VERSION.source}$`).test(version)) throw new Error(`not a version such as 1.2.3: ${version}`);
  const changelog = join(root, 'CHANGELOG.md');
  const changes = readFileSync(changelog, 'utf8');
  if (!/^## Unreleased\n\n- /m.test(changes)) throw new Error('CHANGELOG.md has no changes below "## Unreleased"');
  versionPlaces(root);
  for (const [path, places] of Object.entries(PLACES)) {
    let text = readFileSync(join(root, path), 'utf8');
    for (const before of places) {
      text = text.replace(new RegExp(`(${before.source})${VERSION.source}`, before.flags), `$1${version}`);
    }
    writeFileSync(join(root, path), text);
  }
  writeFileSync(changelog, changes.replace(/^## Unreleased$/m, `## ${version} / ${day}`));
}

/** Why this tree cannot be released; empty if it can. */
export function notReleasable(root: string, version: string): readonly string[] {
  const others = versionPlaces(root).filter((place) => place.version !== version);
  const heading = /^## (.*)$/m.exec(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'))?.[1] ?? '';
  const dated = new RegExp(`^${version.replaceAll('.', String.raw`\.`)} / \\d{4}-\\d{2}-\\d{2}$`);
  return [
    ...others.map((place) => `${place.path} has version ${place.version}`),
    ...(dated.test(heading) ? [] : [`CHANGELOG.md begins with "${heading}" instead of "${version} / DATE"`]),
  ];
}
