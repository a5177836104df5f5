import { cutTo } from '../terminal/columns.ts';
import { printable } from '../terminal/printable.ts';

/** The width of foreign text, in columns. */
const LONGEST = 100;

/** Text that stays as it is in a code span, also in the cell of a table. */
const PLAIN = /^[\w./:~-]+$/;

/**
 * Renders foreign text as one line of code, in which nothing is Markdown, HTML, a link or a mention. A table splits a code
 * span at each `|`, and a backslash may hide the next character, so such text becomes HTML in which all but letters and
 * digits are references.
 */
export function code(text: string): string {
  const line = cutTo(LONGEST, printable(text));
  if (PLAIN.test(line)) return `\`${line}\``;
  const safe = line.replaceAll(/[^\p{L}\p{M}\p{N} ]/gu, (character) => `&#${character.codePointAt(0)};`);
  return `<code>${safe}</code>`;
}

/** Renders text of this program: its special characters stay what they are. */
export function prose(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|~#&]/g, String.raw`\$&`);
}

/** Renders a table. The cells are Markdown. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)];
}

/** Renders Markdown that is folded. The summary is text of this program. */
export function folded(summary: string, lines: readonly string[]): readonly string[] {
  // Without the empty lines, the rest would be HTML.
  return ['<details>', `<summary>${summary}</summary>`, '', ...lines, '', '</details>'];
}
