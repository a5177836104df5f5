import { distributionVersion } from './description.ts';

/** A release, as CHANGELOG.md has it. */
interface Release {
  /** `undefined` for what is not released yet. */
  readonly version: string | undefined;
  readonly date: Date | undefined;
  readonly changes: readonly string[];
}

/** Who signs an entry, and what an entry without a version or date gets. */
export interface ChangelogContext {
  readonly program: string;
  readonly version: string;
  readonly date: Date;
  /** `Name <address>`. */
  readonly maintainer: string;
}

/**
 * Renders CHANGELOG.md as a changelog of Debian. The changes below `## Unreleased` are those of the version that is
 * built. A release has a heading such as `## 0.2.0 / 2026-12-01`.
 */
export function debianChangelog(markdown: string, context: ChangelogContext): string {
  const { program, version, date, maintainer } = context;
  const releases = releasesOf(markdown);
  if (releases[0] === undefined) throw new Error('CHANGELOG.md has no release');
  const newest = releases[0].version ?? version;
  // A build between two releases, or of another version than the newest heading has.
  const built = newest === version ? [] : [{ version, date, changes: ['Built from the sources.'] }];
  return [...built, ...releases]
    .map((release) => {
      const entry = release.changes.map((change) => wrapped(change)).join('\n');
      const signed = ` -- ${maintainer}  ${rfc2822(release.date ?? date)}`;
      return `${program} (${distributionVersion(release.version ?? version)}) unstable; urgency=medium\n\n${entry}\n\n${signed}\n`;
    })
    .join('\n');
}

function releasesOf(markdown: string): Release[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      const version = /^v?(\d+\.\d+\.\d+[\w.~+-]*)/.exec(heading)?.[1];
      const day = /\d{4}-\d{2}-\d{2}/.exec(heading)?.[0];
      return {
        version,
        date: day === undefined ? undefined : new Date(`${day}T00:00:00Z`),
        changes: changesOf(lines.join('\n')),
      };
    });
}

/** The items of a list, each on one line. */
function changesOf(text: string): string[] {
  return text
    .split(/^- /m)
    .slice(1)
    .map((item) =>
      item
        .replaceAll(/\s+/g, ' ')
        .replace(/^\[(\w+)\]/, '$1:')
        .trim(),
    );
}

/** `  * ` and at most 78 columns. */
function wrapped(change: string): string {
  const lines: string[] = [];
  let line = '  *';
  for (const word of change.split(' ')) {
    if (line.length + 1 + word.length > 78 && line.trim() !== '*' && line.trim() !== '') {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** Such as `Sun, 29 Nov 2026 12:17:45 +0000`. */
function rfc2822(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
