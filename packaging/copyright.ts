import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BundledModule } from './modules.ts';

/** The copyright of a bundled package. */
interface Notice {
  readonly module: BundledModule;
  readonly holders: readonly string[];
  /** The text of its licence, without the lines of the holders; `undefined` if Debian has it in common-licenses. */
  readonly text: string | undefined;
}

/**
 * Renders the copyright file in Debian's machine-readable format: the program's own licence, then that of each bundled
 * package in full. The Apache licence is referred to, as Debian's policy (12.5) requires.
 */
export function copyrightFile(root: string, program: string, modules: readonly BundledModule[]): string {
  const notices = modules.map((module) => noticeOf(root, module));
  const stanzas = notices.map(({ module, holders, text }) =>
    [
      `Files: usr/lib/${program}/${module.path}/*`,
      field('Copyright', holders),
      field('License', [shortName(module), ...(text === undefined ? APACHE : text.split('\n'))]),
      `Comment: ${module.name} ${module.version}`,
    ].join('\n'),
  );
  return `${[
    `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: ${program}`,
    ['Files: *', field('Copyright', [`${program} maintainers`]), field('License', ['Apache-2.0', ...APACHE])].join(
      '\n',
    ),
    ...stanzas,
  ].join('\n\n')}\n`;
}

const APACHE = [
  'Licensed under the Apache License, Version 2.0. On Debian systems its text is in',
  '/usr/share/common-licenses/Apache-2.0, elsewhere at http://www.apache.org/licenses/LICENSE-2.0.',
];

function noticeOf(root: string, module: BundledModule): Notice {
  const folder = join(root, module.path);
  const name = readdirSync(folder).find((file) => /^(?:licen[cs]e|copying)(?:[.-].*)?$/i.test(file));
  const lines = (name === undefined ? '' : readFileSync(join(folder, name), 'utf8')).split(/\r?\n/);
  const holders = lines.map((line) => line.trim()).filter(isHolder);
  return {
    module,
    holders: holders.length > 0 ? holders : [module.author ?? `the authors of ${module.name}`],
    text: textOf(module, lines),
  };
}

/** `Copyright (c) 2014 …`, but neither "copyright notice" nor the blank line of a template. */
function isHolder(line: string): boolean {
  return /^(?:Copyright|\(c\))\s.*\d{4}/i.test(line) && !line.includes('[yyyy]');
}

function textOf({ license, name }: BundledModule, lines: readonly string[]): string | undefined {
  if (license === 'Apache-2.0') return undefined;
  const text = lines
    .map((line) => line.trimEnd())
    .filter((line) => !isHolder(line.trim()))
    .join('\n')
    .trim();
  if (text !== '') return text;
  // A package that names its licence and has no file with its text.
  if (license === 'ISC') return ISC;
  throw new Error(`${name} has neither a licence file nor a licence whose text is known here (${license})`);
}

const ISC = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is
hereby granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.`;

/** The name of a licence in the format. A name may have one text only, so packages with texts of their own get a suffix. */
function shortName({ license, name, version }: BundledModule): string {
  if (license === 'Apache-2.0') return license;
  const known = license === 'MIT' ? 'Expat' : license.replaceAll(/[()]/g, '');
  return `${known}~${name.replace('@', '').replace('/', '-')}-${version}`;
}

/** A field of several lines: an empty one is a dot. */
function field(name: string, lines: readonly string[]): string {
  const [first = '', ...rest] = lines;
  return [`${name}: ${first}`, ...rest.map((line) => (line.trim() === '' ? ' .' : ` ${line}`))].join('\n');
}
