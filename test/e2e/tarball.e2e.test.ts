import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledModules } from '../../packaging/modules.ts';
import { cycloneDx } from '../../packaging/sbom.ts';
import { thisCheckout } from '../../packaging/source.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** All allow use in a program of any licence, and ask for nothing but their text. */
const LICENSES = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense'];

describe('the tarball for npm', () => {
  const work = mkdtempSync(join(tmpdir(), 'isolation-exporter-tarball-'));
  let tarball: string;
  beforeAll(() => {
    const name = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', `--pack-destination=${work}`], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    tarball = join(work, name.trim());
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it('has the program and nothing else', () => {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((path) => path.replace('package/', ''));
    const built = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.js'),
    );
    expect(files.toSorted()).toEqual(
      ['LICENSE', 'README.md', 'package.json', ...built.map((path) => `dist/${path}`)].toSorted(),
    );
    expect(files.filter((path) => path.includes('.test.'))).toEqual([]);
  });

  it('has nothing that publint warns of', async () => {
    const bytes = readFileSync(tarball);
    const { messages } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
    expect(messages).toEqual([]);
  });
});

describe('the packages of production', () => {
  const source = thisCheckout({ SOURCE_DATE_EPOCH: '1800000000' });
  const modules = bundledModules(ROOT);

  it('have licences that a program of any licence may include', () => {
    const parts = modules.map(({ name, license }) => ({
      name,
      licenses: license.replaceAll(/[()]/g, '').split(/ AND | OR /),
    }));
    expect(parts.filter(({ licenses }) => !licenses.every((one) => LICENSES.includes(one)))).toEqual([]);
  });

  it('are listed as CycloneDX, the same in each build', () => {
    const text = cycloneDx(source);
    expect(cycloneDx(source)).toBe(text);
    const bom = JSON.parse(text) as {
      readonly specVersion: string;
      readonly metadata: { readonly component: object };
      readonly components: readonly {
        name: string;
        version: string;
        scope: string;
        hashes?: unknown[];
        licenses?: unknown[];
      }[];
    };
    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: source.name, version: source.version, type: 'application' } },
    });
    const key = ({ name, version }: { readonly name: string; readonly version: string }) => `${name}@${version}`;
    const listed = new Set(bom.components.map(key));
    expect(modules.map(key).filter((module) => !listed.has(module))).toEqual([]);
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    for (const name of ['vitest', 'typescript', 'fast-check']) {
      expect(devDependencies).toHaveProperty(name);
      expect(bom.components.filter((component) => component.name === name)).toEqual([]);
    }
    // Some optional packages name no licence in the lockfile.
    for (const { name, scope, hashes, licenses } of bom.components) {
      expect([name, hashes?.length, licenses?.length ?? scope]).toEqual([
        name,
        1,
        scope === 'optional' ? expect.anything() : 1,
      ]);
    }
  });
});
