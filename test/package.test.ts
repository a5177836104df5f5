import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bashCompletion, fishCompletion, zshCompletion } from '../packaging/completions.ts';
import { inPackage } from '../packaging/contents.ts';
import { copyrightFile } from '../packaging/copyright.ts';
import { debianChangelog } from '../packaging/debian-changelog.ts';
import { manPage } from '../packaging/man-page.ts';
import { bundledModules } from '../packaging/modules.ts';
import { helpText } from '../src/config/command-line.ts';
import { COMMANDS } from '../src/config/commands.ts';
import { collectors } from '../src/collectors/index.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const DATE = new Date('2026-12-01T10:00:00Z');

const work = mkdtempSync(join(tmpdir(), 'isolation-exporter-package-'));
afterAll(() => rmSync(work, { recursive: true }));
const fileOf = (name: string, content: string) => {
  const path = join(work, name);
  writeFileSync(path, content);
  return path;
};
/** Whether a program is on this machine; not all of them are everywhere. */
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** The flags that `--help` prints: of the daemon, or of a command. */
const flagsIn = (help: string) =>
  [...help.matchAll(/^ {2}(?:-h, )?--(\[no-\])?([\w.-]+)/gm)].map(([, no, name = '']) => ({
    name,
    no: no !== undefined,
  }));
const inHelp = [
  { command: '', flags: flagsIn(helpText(collectors)) },
  ...COMMANDS.map(({ name }) => ({ command: name, flags: flagsIn(helpText(collectors, name)) })),
];

describe('the man page', () => {
  const page = manPage({ version: '1.2.3', description: 'Exporter of things', date: DATE });

  it.each(inHelp)('has the flags of --help: $command', ({ command, flags }) => {
    const section =
      command === '' ? page.split('.SH "COMMANDS"')[0] : page.split(`.SS "isolation\\-exporter ${command}"`)[1];
    const shown = [...(section?.split(/^\.S[SH] "(?:isolation|ENV)/m)[0] ?? '').matchAll(/^\\fB(.*?)\\fR/gm)]
      .map(([, flag = '']) => flag.replaceAll('\\-', '-').replace('-h, ', '').replace('[no-]', '').slice(2))
      .concat(command === '' ? [] : ['help']);
    expect(shown.toSorted()).toEqual(flags.map(({ name }) => name).toSorted());
  });

  it.runIf(has('groff'))('is roff without a warning', () => {
    const { stdout, stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-Kutf8'], {
      input: page,
      encoding: 'utf8',
    });
    expect([stderr, status]).toEqual(['', 0]);
    expect(stdout).toContain('1.2.3');
  });

  it('does not take text for a request', () => {
    const odd = manPage({ version: '1', description: `.so \\fB "x"\n'a`, date: DATE });
    expect(odd).toContain(`\\- \\&.so \\efB \\(dqx\\(dq\n\\&'a\n`);
  });
});

describe('the completion', () => {
  /** What bash offers for the last word. */
  const bash = (...words: readonly string[]) => {
    const script = `source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      _isolation_exporter
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const file = fileOf('completion.bash', bashCompletion());
    const output = execFileSync('bash', ['-c', script, 'bash', file, 'isolation-exporter', ...words], {
      encoding: 'utf8',
    });
    return output.split('\n').filter((word) => word !== '');
  };

  it.each(inHelp)('of bash has the flags of --help: $command', ({ command, flags }) => {
    const names = flags.flatMap(({ name, no }) => (no ? [`--${name}`, `--no-${name}`] : [`--${name}`]));
    const offered = bash(...(command === '' ? [] : [command]), '--');
    // `--web.created-timestamps` can be negated too, which the help leaves out.
    expect(offered.filter((flag) => flag !== '--no-web.created-timestamps').toSorted()).toEqual(names.toSorted());
  });

  it('of bash offers commands and values', () => {
    expect(bash('s')).toEqual(['scan']);
    expect(bash('--log.level', '')).toEqual(['debug', 'info', 'warn', 'error']);
    expect(bash('--log.level', '=', 'w')).toEqual(['warn']);
    expect(bash('--log.level', '=')).toEqual(['debug', 'info', 'warn', 'error']);
    expect(bash('scan', '--fail-on', 'hi')).toEqual(['high']);
    expect(bash('scan', '--explain', 'engine_s')).toEqual(['engine_socket']);
    expect(bash('scan', '--output', 's')).toEqual(['sarif']);
    expect(bash('diagnose', '--output', 's')).toEqual([]);
    expect(bash('--web.config.file', join(work, 'completion.b'))).toEqual([join(work, 'completion.bash')]);
    // The value of a flag is no command.
    expect(bash('--container.labels', 'scan', '--web.t')).toEqual(['--web.telemetry-path']);
    expect(bash('scan', '--web.t')).toEqual([]);
  });

  it.each(inHelp)('of zsh and fish has them too: $command', ({ command, flags }) => {
    const [, section = ''] =
      new RegExp(`\\n  ${command || 'daemon'}=\\(\\n(.*?)\\n  \\)`, 's').exec(zshCompletion()) ?? [];
    const condition = command === '' ? 'not __fish_seen_subcommand_from' : `'__fish_seen_subcommand_from ${command}'`;
    const lines = fishCompletion()
      .split('\n')
      .filter((line) => line.includes(condition));
    for (const { name } of flags) {
      expect(section).toMatch(new RegExp(`^ +'\\*?--${name}[=[]`, 'm'));
      expect(lines.filter((line) => line.includes(` -l ${name} `))).toHaveLength(1);
    }
  });

  it.runIf(has('zsh'))('of zsh is valid', () => {
    expect(spawnSync('zsh', ['-n', fileOf('_it', zshCompletion())], { encoding: 'utf8' }).stderr).toBe('');
  });

  it.runIf(has('fish'))('of fish is valid', () => {
    expect(spawnSync('fish', ['--no-execute', fileOf('it.fish', fishCompletion())], { encoding: 'utf8' }).stderr).toBe(
      '',
    );
  });
});

describe('the bundled packages', () => {
  const modules = bundledModules(ROOT);
  const { dependencies } = JSON.parse(textOf('package.json')) as { readonly dependencies: object };

  it('are those of production, without scripts, types and tests', () => {
    const names = modules.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
    for (const absent of ['typescript', 'vitest', '@types/node', 'cpu-features', 'nan']) {
      expect(names).not.toContain(absent);
    }
    const files = modules.flatMap((module) => module.files.map((file) => `${module.path}/${file}`));
    expect(files.filter((file) => !/\.(?:js|cjs|mjs|json|proto)$/.test(file))).toEqual([]);
    expect(files.filter((file) => /\/tests?\//.test(file))).toEqual([]);
  });

  it('have their licences in the copyright file', () => {
    const stanzas = copyrightFile(ROOT, 'isolation-exporter', modules).split(/\n\n(?=Files: )/);
    expect(stanzas).toHaveLength(modules.length + 2);
    for (const { path, name, license } of modules) {
      const stanza = stanzas.find((each) => each.startsWith(`Files: usr/lib/isolation-exporter/${path}/*\n`)) ?? '';
      expect(stanza, name).toMatch(/^Copyright: .+$/m);
      const words = license === 'Apache-2.0' ? 'common-licenses/Apache-2.0' : /WARRANT/i;
      expect(stanza, name).toMatch(words);
    }
  });
});

describe('the changelog of Debian', () => {
  const context = { program: 'it', version: '0.3.0', date: DATE, maintainer: 'A B <a@b.example>' };

  it('has one entry for each release', () => {
    const markdown = `## Unreleased

- [FEATURE] One
  on two lines ${'word '.repeat(20)}
- [BUGFIX] Two.

## 0.2.0 / 2026-11-30

- [CHANGE] Three.
`;
    expect(debianChangelog(markdown, context)).toBe(`it (0.3.0) unstable; urgency=medium

  * FEATURE: One on two lines word word word word word word word word word
    word word word word word word word word word word word
  * BUGFIX: Two.

 -- A B <a@b.example>  Tue, 01 Dec 2026 10:00:00 +0000

it (0.2.0) unstable; urgency=medium

  * CHANGE: Three.

 -- A B <a@b.example>  Mon, 30 Nov 2026 00:00:00 +0000
`);
  });

  it('begins with the version that is built', () => {
    const markdown = '## 0.2.0 / 2026-11-30\n\n- [CHANGE] Three.\n';
    expect(debianChangelog(markdown, context)).toMatch(/^it \(0\.3\.0\) .*\nit \(0\.2\.0\) /s);
    expect(debianChangelog(markdown, { ...context, version: '0.2.0' })).toMatch(/^it \(0\.2\.0\) (?!.*\nit)/s);
  });

  it('sorts a release candidate before its release', () => {
    expect(debianChangelog('## Unreleased\n\n- [CHANGE] One.\n', { ...context, version: '0.4.0-rc.1' })).toMatch(
      /^it \(0\.4\.0~rc\.1\) /,
    );
  });

  it.runIf(has('dpkg-parsechangelog'))('is one for Debian too', () => {
    const file = fileOf(
      'changelog',
      debianChangelog(textOf('CHANGELOG.md'), { ...context, program: 'isolation-exporter' }),
    );
    const output = spawnSync('dpkg-parsechangelog', ['-l', file, '--all'], { encoding: 'utf8' });
    expect(output.stderr).toBe('');
    expect(output.stdout).toMatch(/^Version: 0\.3\.0$/m);
  });
});

describe('the files of systemd', () => {
  const folder = 'deploy/systemd';
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.\w+$/.test(file),
  );

  it.each(files)('%s names no place outside the package', (file) => {
    const packaged = inPackage(textOf(join(folder, file)));
    expect(packaged).not.toContain('/usr/local');
    expect(packaged.replaceAll('/usr/lib/isolation', '/usr/local/lib/isolation')).toBe(textOf(join(folder, file)));
  });

  it.each(['postinst', 'prerm', 'postrm'])('%s is a valid script', (name) => {
    expect(spawnSync('sh', ['-n', join(ROOT, 'packaging/debian', name)], { encoding: 'utf8' }).stderr).toBe('');
  });
});
