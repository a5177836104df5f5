import { printable } from '../terminal/printable.ts';

/** Markup that is fit to be sent: what came from elsewhere is escaped. Only this file makes it. */
export interface Markup {
  readonly html: string;
}

type Part = Markup | readonly Markup[] | string | number | undefined;

/**
 * Makes markup of a template. Text in it is escaped, markup is not, and `undefined` is nothing. Attributes have to be
 * quoted. The indentation of the template is left out.
 */
export function markup(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const strings = compact(template);
  let html = strings[0] ?? '';
  for (let index = 0; index < parts.length; index += 1) {
    html += render(parts[index]) + (strings[index + 1] ?? '');
  }
  return { html };
}

/** Takes text of this program's own as it is: a style sheet or a script, which have no escapes. */
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

/** Nearly all text. */
const PLAIN = /^[ !#-%(-;=?-~]*$/;

function escape(text: string): string {
  if (PLAIN.test(text)) return text;
  return printable(text).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
