import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notReleasable, setVersion, versionPlaces } from '../packaging/versions.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { version: current } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

describe('the version', () => {
  it('is the same everywhere', () => {
    expect(versionPlaces(ROOT).filter(({ version }) => version !== current)).toEqual([]);
  });
});

describe('a release', () => {
  const work = mkdtempSync(join(tmpdir(), 'isolation-exporter-release-'));
  const changelog = join(work, 'CHANGELOG.md');
  beforeAll(() => {
    for (const { path } of versionPlaces(ROOT)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      cpSync(join(ROOT, path), join(work, path));
    }
    writeFileSync(changelog, '## Unreleased\n\n- [FEATURE] A.\n\n## 0.0.9 / 2025-01-01\n\n- [FEATURE] B.\n');
  });
  afterAll(() => rmSync(work, { recursive: true }));

  it.each(['1.2', 'v1.2.3', '1.2.3 ', '', 'next'])('does not get the version "%s"', (version) => {
    expect(() => setVersion(work, version, '2026-12-01')).toThrow('not a version');
    expect(versionPlaces(work)).toEqual(versionPlaces(ROOT));
  });

  it('is not made while its changes have no date', () => {
    expect(notReleasable(work, current)).toEqual([
      `CHANGELOG.md begins with "Unreleased" instead of "${current} / DATE"`,
    ]);
  });

  it('gets a version and a date, everywhere and nowhere else', () => {
    const before = readFileSync(join(work, 'package-lock.json'), 'utf8');
    setVersion(work, '12.34.56-rc.1', '2026-12-01');
    expect(new Set(versionPlaces(work).map(({ version }) => version))).toEqual(new Set(['12.34.56-rc.1']));
    expect(notReleasable(work, '12.34.56-rc.1')).toEqual([]);
    expect(readFileSync(changelog, 'utf8')).toBe(
      '## 12.34.56-rc.1 / 2026-12-01\n\n- [FEATURE] A.\n\n## 0.0.9 / 2025-01-01\n\n- [FEATURE] B.\n',
    );
    // The versions of packages stay.
    const lines = readFileSync(join(work, 'package-lock.json'), 'utf8').split('\n');
    expect(lines.filter((line, index) => line !== before.split('\n')[index])).toHaveLength(2);
  });

  it('is not made twice of the same changes', () => {
    expect(() => setVersion(work, '13.0.0', '2026-12-02')).toThrow('no changes below "## Unreleased"');
  });

  it('is not made if a place was forgotten', () => {
    const dockerfile = join(work, 'Dockerfile');
    writeFileSync(dockerfile, readFileSync(dockerfile, 'utf8').replaceAll('12.34.56-rc.1', current));
    expect(notReleasable(work, '12.34.56-rc.1')).toEqual(Array(2).fill(`Dockerfile has version ${current}`));
  });
});
