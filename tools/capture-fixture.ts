/**
 * Captures this host as a fixture: the kernel files of some containers, of the cgroups above them and of the host.
 *
 *     npx tsx tools/capture-fixture.ts NAME --containers CGROUP... [--docker-socket PATH] [--rename FROM=TO]...
 *                                      [--note TEXT]... [--out DIRECTORY]
 *
 * CGROUP is a path below the root of the hierarchies, such as /docker/<id>. Run it as root. Never edit its output by hand:
 * capture again instead. tools/capture-lab-hosts.ts does this for the fixtures of this repository.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findCgroupLayout } from '../src/kernel/cgroup-layout.ts';
import { captureCgroups } from './capture/cgroups.ts';
import { captureDockerApi } from './capture/docker-api.ts';
import { FixtureTree } from './capture/fixture-tree.ts';
import { captureProcesses } from './capture/processes.ts';
import { distributionsRelease, redactor } from './capture/redact.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    containers: { type: 'boolean' },
    'docker-socket': { type: 'string' },
    rename: { type: 'string', multiple: true, default: [] },
    note: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: 'test/fixtures' },
  },
});
const [name, ...containers] = positionals;
if (name === undefined || containers.length === 0) {
  throw new Error('Usage: capture-fixture.ts NAME --containers CGROUP...');
}

const renames = values.rename.map((rename) => {
  const [from = '', to = ''] = rename.split('=');
  return [from, to] as const;
});
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');

// Write everything or nothing: an interrupted capture must not look like a host.
const draft = join(values.out, `${name}.draft`);
rmSync(draft, { recursive: true, force: true });
const tree = new FixtureTree(draft, redactor({ hostname: hostname(), bootId, renames }));
captureProcesses(captureCgroups(layout, containers, tree), tree);
const socket = values['docker-socket'];
if (socket !== undefined) await captureDockerApi(socket, tree);
tree.write('MANIFEST.md', manifest());
rmSync(join(values.out, name), { recursive: true, force: true });
renameSync(draft, join(values.out, name));
console.log(`${join(values.out, name)}: ${tree.files} files, ${Math.round(tree.bytes / 1024)} kB`);

function manifest(): string {
  const podman = versionOf('podman');
  const facts = [
    ['Captured', new Date().toISOString().slice(0, 10)],
    ['Kernel', distributionsRelease(release())],
    ['Distribution', /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]],
    [
      'Cgroups',
      `${layout.version}: ${layout.hierarchies.map(({ controllers }) => controllers.join(',') || '-').join(' ')}`,
    ],
    ['Docker', versionOf('dockerd')],
    ['runc', versionOf('runc')],
    ...(podman === undefined ? [] : [['Podman', podman] as const, ['crun', versionOf('crun')] as const]),
    ['Containers', containers.join('<br>')],
    ['Files', `${tree.files + 1} with this one, ${Math.round(tree.bytes / 1024)} kB`],
  ];
  return [
    `# ${name}`,
    '',
    'Captured by `tools/capture-fixture.ts`; never edited. Names and paths that identify the machine are redacted by',
    'rule (`tools/capture/redact.ts`), ids stay. Environments of processes are never captured.',
    '',
    '| | |',
    '| --- | --- |',
    ...facts.map(([key, value]) => `| ${key} | ${value ?? ''} |`),
    '',
    ...values.note.map((note) => `- ${note}`),
    ...(tree.denied.length === 0 ? [] : ['', 'The kernel refused to show, also to root:', '']),
    ...tree.denied.map((denied) => `- ${denied}`),
    '',
  ].join('\n');
}

function versionOf(program: string): string | undefined {
  const path = ['/usr/sbin', '/usr/bin', '/usr/local/bin'].map((where) => `${where}/${program}`).find(existsSync);
  if (path === undefined) return undefined;
  return execFileSync(path, ['--version'], { encoding: 'utf8' }).split('\n')[0];
}
