import { printable } from '../terminal/printable.ts';

/** HTML in which all foreign text is escaped. Only this file creates it. */
export interface Markup {
  readonly html: string;
}

type Part = Markup | readonly Markup[] | string | number | undefined;

/**
 * Creates markup from a template. It escapes text, inserts markup as it is, and omits `undefined`. Attribute values must be
 * quoted. It removes the indentation of the template.
 */
export function markup(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const strings = compact(template);
  let html = strings[0] ?? '';
  for (let index = 0; index < parts.length; index += 1) {
    html += render(parts[index]) + (strings[index + 1] ?? '');
  }
  return { html };
}

/** Inserts this program's own style sheet or script unescaped. */
export function verbatim(html: string): Markup {
  return { html };
}

const compacted = new WeakMap<TemplateStringsArray, readonly string[]>();

function compact(template: TemplateStringsArray): readonly string[] {
  const known = compacted.get(template) ?? template.map((text) => text.replaceAll(/\n\s*/g, '\n'));
  compacted.set(template, known);
  return known;
}

function render(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escape(part);
  return 'html' in part ? part.html : part.map(({ html }) => html).join('');
}

/** Text without special characters: nearly all text. */
const PLAIN = /^[ !#-%(-;=?-~]*$/;

function escape(text: string): string {
  if (PLAIN.test(text)) return text;
  return printable(text).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
