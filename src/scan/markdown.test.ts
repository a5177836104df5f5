import fc from 'fast-check';
import { Lexer, marked, type Tokens } from 'marked';
import { describe, expect, test } from 'vitest';
import { ACCEPTANCE, accepting, containerReport, hostReport, unknownContainer } from '../../test/reports.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { cutTo } from '../terminal/columns.ts';
import { printable } from '../terminal/printable.ts';
import { renderMarkdown } from './markdown.ts';
import { code, prose, table } from './markdown-text.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };
const render = (...containers: readonly ContainerReport[]): string =>
  renderMarkdown(hostReport(...containers), version);

const web = containerReport('web', {}, { net_raw: 'yes', ulimits_raised: 'unknown' });
const agent = containerReport('agent', {}, { privileged: 'yes', host_pid_namespace: 'yes', net_raw: 'yes' });

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', amp: '&' };

/** The text that a browser shows. */
function shown(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(?:#(\d+)|(\w+));/g, (_, number: string | undefined, name: string) =>
      number === undefined ? (NAMED[name] ?? '') : String.fromCodePoint(Number(number)),
    );
}

describe('Markdown', () => {
  test('begins with a summary and the worst findings', () => {
    expect(render(web, agent).split('\n').slice(0, 8)).toEqual([
      '### isolation-exporter scan',
      '',
      '**2 containers, findings: 1 critical, 1 high, 2 low.** 1 could not be checked.',
      '',
      '| Container | Engine | Level | Findings |',
      '| --- | --- | --- | --- |',
      '| `agent` | `docker` | 2 standard | **critical** `privileged`<br>**high** `host_pid_namespace` |',
      '',
    ]);
    expect(render(web)).toContain('scan\n\n**1 container, findings: 1 low.** 1 could not be checked.\n\n<details>');
    expect(render(containerReport('well'))).toBe('### isolation-exporter scan\n\n**1 container, no findings.**\n\n');
    expect(render()).toContain('No containers found.');
  });

  test('folds all findings, and how to fix them', () => {
    const text = render(web, agent, unknownContainer('dark'));
    expect(text).toContain('<summary>All findings</summary>\n\n| Container |');
    expect(text).toContain('| `web` | `docker` | 2 standard | **low** `net_raw`<br>**unknown** 1 |');
    expect(text).toContain('| `dark` | `docker` | ? | **unknown** all |');
    expect(text).toMatch(/<summary>Why, and how to fix it<\/summary>\n\n\*\*`privileged`\*\* \(critical\): /);
    expect(text.match(/<details>/g)).toHaveLength(2);
    expect(text.match(/<\/details>/g)).toHaveLength(2);
  });

  test('folds what somebody has accepted', () => {
    const text = render(accepting(agent, { privileged: ACCEPTANCE, host_pid_namespace: ACCEPTANCE }));
    expect(text).toContain('scan\n\n**1 container, findings: 1 low, 2 accepted.**\n\n<details>');
    expect(text).toContain('**low** `net_raw`<br>**accepted** `privileged`, `host_pid_namespace` |');
    expect(text).not.toContain('**`privileged`** (critical)');
  });

  test('fits a comment however many containers there are', () => {
    const all = Object.fromEntries(findings.map(({ id }) => [id, 'yes'] as const));
    const many = Array.from({ length: 500 }, (_, index) => containerReport(`${'n'.repeat(50)}${index}`, {}, all));
    const text = render(...many);
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain('480 containers more below.');
    expect(text).toMatch(/\n\nAnd 4\d\d containers more\.\n\n<\/details>/);
  });

  test('has no tables that a hostile name could break', () => {
    const names = [
      'a|b',
      'a\\|b',
      '\\',
      '`a``b`',
      '<script>alert(1)</script>',
      '</code></details>',
      '@team',
      'https://evil.example/',
      '[x](javascript:y)',
      '![x](//evil.example/pixel)',
      '&lt;b&gt;',
      '**b** _i_ ~~s~~',
      '#1',
      'a\n\n# b',
      '\u202eabc\u0000\u001b[31m',
      ' - ',
    ];
    for (const name of names) checkRow(name);
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), checkRow));
    const special = fc.constantFrom(...'|\\`<>&*_[]()~#@!:./ \n\tab'.split(''));
    fc.assert(fc.property(fc.array(special, { maxLength: 12 }), (characters) => checkRow(characters.join(''))));
  });
});

/** Checks that foreign text is one cell that shows this text. */
function checkRow(name: string): void {
  const tokens = new Lexer({ gfm: true }).lex([...table(['A', 'B'], [[code(name), 'x']]), '', 'end'].join('\n'));
  expect(tokens.map(({ type }) => type)).toEqual(['table', 'space', 'paragraph']);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const [row] = (tokens[0] as Tokens.Table).rows;
  expect(row).toHaveLength(2);
  expect(row?.[1]?.text).toBe('x');
  const html = marked.parse(`${code(name)}`, { async: false });
  // All of it is in the code: no other element, and nothing before or after it.
  expect(html).toMatch(/^<p><code>[^<]*<\/code><\/p>\n$/);
  expect(shown(html).trim()).toBe(cutTo(100, printable(name)).trim());
}

test('text of this program keeps its characters', () => {
  for (const { title, why, fix } of findings) {
    for (const text of [title, why, ...Object.values(fix)]) {
      const html = marked.parse(`- x: ${prose(text)}`, { async: false });
      expect(shown(html).trim()).toBe(`x: ${text}`);
    }
  }
});
