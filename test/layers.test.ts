import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCES = new URL('../src/', import.meta.url).pathname;

/** What the files of a folder may import, besides their own folder. Tests may import more. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  config: ['log.ts', 'version.ts'],
  'config-files': ['kernel', 'probes'],
  discover: ['kernel', 'container.ts', 'event-flood.ts', 'log.ts'],
  identify: ['kernel', 'container.ts'],
  engines: ['kernel', 'probes', 'config', 'container.ts', 'log.ts', 'makers.ts'],
  probes: ['kernel', 'log.ts', 'makers.ts'],
  posture: ['kernel', 'probes', 'container.ts'],
  containers: ['engines', 'identify', 'kernel', 'posture', 'container.ts', 'makers.ts', 'pace.ts'],
  layers: ['kernel', 'posture', 'probes', 'container.ts'],
  oom: ['kernel', 'container.ts', 'event-flood.ts', 'log.ts', 'makers.ts'],
  findings: ['kernel', 'posture'],
  drift: ['kernel', 'findings', 'posture', 'container.ts', 'log.ts'],
  acceptance: ['config-files', 'findings', 'kernel', 'probes', 'container.ts', 'log.ts'],
  collectors: ['kernel', 'posture', 'findings', 'drift', 'container.ts'],
  exposition: ['collectors', 'kernel', 'container.ts', 'log.ts', 'pace.ts', 'version.ts'],
  cadvisor: ['config', 'collectors', 'exposition', 'kernel', 'container.ts', 'log.ts', 'makers.ts', 'version.ts'],
  report: ['collectors', 'findings', 'drift', 'posture', 'kernel', 'container.ts', 'pace.ts'],
  terminal: [],
  scan: ['report', 'findings', 'terminal', 'version.ts'],
  page: ['report', 'findings', 'terminal', 'version.ts'],
  web: ['config', 'config-files', 'exposition', 'kernel', 'page', 'report', 'log.ts', 'pace.ts', 'version.ts'],
  diagnose: [
    'acceptance',
    'config',
    'config-files',
    'discover',
    'engines',
    'identify',
    'kernel',
    'probes',
    'terminal',
    'container.ts',
  ],
  daemon: [
    'acceptance',
    'cadvisor',
    'collectors',
    'config',
    'containers',
    'discover',
    'drift',
    'engines',
    'exposition',
    'identify',
    'kernel',
    'layers',
    'oom',
    'posture',
    'probes',
    'web',
    'container.ts',
    'log.ts',
    'version.ts',
  ],
  commands: [
    'config',
    'config-files',
    'diagnose',
    'findings',
    'probes',
    'report',
    'scan',
    'terminal',
    'web',
    'daemon',
    'log.ts',
    'version.ts',
    'service-manager.ts',
  ],
};

/** The files that may import a package. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  'prom-client': ['exposition/own-metrics.ts'],
  chokidar: ['discover/watch.ts'],
  dockerode: ['engines/docker.ts', 'engines/load-dockerode.ts'],
  '@grpc/grpc-js': ['engines/cri-channel.ts'],
  'protobufjs/light.js': ['engines/cri-messages.ts'],
  pino: ['log.ts'],
  commander: ['config/command-line.ts', 'cli.ts'],
  yaml: ['config-files/strict-yaml.ts'],
  bcryptjs: ['web/auth.ts'],
};

const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => ({ file, imports: importsOf(file) }));

describe('imports', () => {
  it.each(files)('of $file follow the layers', ({ file, imports }) => {
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

  it.each(Object.entries(OWNERS))('of %s are in one file', (name, owners) => {
    const users = files.filter(({ imports }) => imports.includes(name)).map(({ file }) => file);
    expect(users.filter((file) => !owners.includes(file))).toEqual([]);
  });

  it('of packages are only of packages with an owner', () => {
    const packages = files.flatMap(({ imports }) => imports.filter((name) => !/^node:|\.ts$/.test(name)));
    expect([...new Set(packages)].toSorted()).toEqual(Object.keys(OWNERS).toSorted());
  });

  it('of process.exit and argv are only in cli.ts', () => {
    const users = files.filter(({ file }) => /process\.(exit\(|argv\b)/.test(readFileSync(SOURCES + file, 'utf8')));
    expect(users.map(({ file }) => file)).toEqual(['cli.ts']);
  });
});

/** The imports of a file: packages by name, files by path below src. */
function importsOf(file: string): string[] {
  const text = readFileSync(SOURCES + file, 'utf8');
  const names = [...text.matchAll(/(?:from |import\(|import |require(?:\.resolve)?\()'([^'\s]+)'/g)].map(
    ([, name = '']) => name,
  );
  return names.map((name) => (name.startsWith('.') ? relative(SOURCES, join(SOURCES, dirname(file), name)) : name));
}
