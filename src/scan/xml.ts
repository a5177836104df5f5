/** Attributes of an element, in order. */
type Attributes = Readonly<Record<string, string | number>>;

/** Characters that no XML 1.0 document may contain, not even as `&#1;`: most controls, lone surrogates, U+FFFE and U+FFFF. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/gu;

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Renders an element whose only content is text; without text an empty element. */
export function leaf(name: string, attributes: Attributes, text = ''): string {
  const start = `<${name}${attributesOf(attributes)}`;
  // A parser would change a line break that is not written as a line feed.
  const content = legal(text).replaceAll(/[&<>\r]/g, reference);
  return content === '' ? `${start}/>` : `${start}>${content}</${name}>`;
}

/** Renders an element whose content is elements. Does not indent the lines of a text. */
export function parent(name: string, attributes: Attributes, children: readonly string[]): string {
  if (children.length === 0) return leaf(name, attributes);
  const tags = /^(?= *<)/gm;
  const inside = children.map((child) => `\n${child.replace(tags, '  ')}`).join('');
  return `<${name}${attributesOf(attributes)}>${inside}\n</${name}>`;
}

function attributesOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${legal(String(value)).replaceAll(/[&<>"\t\n\r]/g, reference)}"`)
    .join('');
}

function legal(text: string): string {
  return text.replaceAll(FORBIDDEN, '\ufffd');
}

function reference(character: string): string {
  return REFERENCES[character] ?? character;
}
