import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCES = new URL('../src/', import.meta.url).pathname;

/** What the files of a folder may import besides their own folder. Tests may import more. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  discover: ['kernel', 'container.ts', 'log.ts'],
  posture: ['kernel', 'container.ts'],
  engines: ['kernel', 'container.ts', 'config.ts', 'log.ts', 'options-values.ts'],
  identify: ['engines', 'kernel', 'posture', 'container.ts', 'pace.ts'],
  findings: ['kernel', 'posture'],
  collectors: ['kernel', 'posture', 'findings', 'container.ts'],
  oom: ['kernel', 'container.ts', 'log.ts'],
  report: ['collectors', 'findings', 'posture', 'kernel', 'container.ts', 'pace.ts'],
  terminal: [],
  scan: ['report', 'findings', 'terminal', 'printable.ts', 'version.ts'],
  page: ['report', 'findings', 'printable.ts', 'version.ts'],
  expose: [
    'collectors',
    'kernel',
    'page',
    'report',
    'container.ts',
    'config.ts',
    'log.ts',
    'options-values.ts',
    'pace.ts',
    'version.ts',
  ],
  diagnose: [
    'discover',
    'engines',
    'identify',
    'kernel',
    'terminal',
    'container.ts',
    'config.ts',
    'options-values.ts',
    'printable.ts',
  ],
  commands: [
    'expose',
    'diagnose',
    'findings',
    'report',
    'scan',
    'terminal',
    'config.ts',
    'daemon.ts',
    'log.ts',
    'options-commands.ts',
    'version.ts',
  ],
};

/** The files that may import a package. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  'prom-client': ['expose/own-metrics.ts'],
  chokidar: ['discover/watch.ts'],
  dockerode: ['engines/docker.ts'],
  '@grpc/grpc-js': ['engines/cri.ts'],
  'protobufjs/light.js': ['engines/cri-messages.ts'],
  pino: ['log.ts'],
  commander: ['options.ts', 'cli.ts'],
  yaml: ['expose/strict-yaml.ts'],
  bcryptjs: ['expose/web-auth.ts'],
};

const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => ({ file, imports: importsOf(file) }));

describe('imports', () => {
  it.each(files)('of $file go one way', ({ file, imports }) => {
    const [folder = '', ...below] = file.split('/');
    if (below.length === 0) return;
    const allowed = MAY_IMPORT[folder];
    if (allowed === undefined) throw new Error(`${folder} is not in the table`);
    const wrong = imports.filter((target) => {
      const [head = ''] = target.split('/');
      return target.endsWith('.ts') && head !== folder && !allowed.includes(head);
    });
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(OWNERS))('of %s are in one place', (name, owners) => {
    const users = files.filter(({ imports }) => imports.includes(name)).map(({ file }) => file);
    expect(users.filter((file) => !owners.includes(file))).toEqual([]);
  });

  it('of packages are only of those with an owner', () => {
    const packages = files.flatMap(({ imports }) => imports.filter((name) => !/^node:|\.ts$/.test(name)));
    expect([...new Set(packages)].toSorted()).toEqual(Object.keys(OWNERS).toSorted());
  });

  it('of the process itself are in cli.ts', () => {
    const users = files.filter(({ file }) => /process\.(exit\(|argv\b)/.test(readFileSync(SOURCES + file, 'utf8')));
    expect(users.map(({ file }) => file)).toEqual(['cli.ts']);
  });
});

/** What a file imports: packages by name, files by their path below src. */
function importsOf(file: string): string[] {
  const text = readFileSync(SOURCES + file, 'utf8');
  const names = [...text.matchAll(/(?:from |import\(|import |require\.resolve\()'([^'\s]+)'/g)].map(
    ([, name = '']) => name,
  );
  return names.map((name) => (name.startsWith('.') ? relative(SOURCES, join(SOURCES, dirname(file), name)) : name));
}
