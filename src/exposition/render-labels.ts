/** How long a label's value may be, in bytes of UTF-8. Prometheus' own limits, where set, are 512 and more. */
const VALUE_LIMIT = 256;

const ELLIPSIS = '…';

/** Neither to be cut, nor replaced, nor escaped: nearly every value there is. */
const PLAIN_VALUE = /^[ !#-[\]-~]{0,256}$/;

/**
 * Control characters but for the newline, which has an escape of its own, and halves of surrogate pairs. The formats
 * forbid only the latter, but people look at values in terminals, and a container's name is not to move their cursor.
 */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ud800-\udfff]/gu;

const NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Renders label pairs as they stand between the braces of a sample: `engine="docker",container="web"`. Names and
 * values come in the same order; empty and missing values are left out, as they mean the same as no label.
 */
export function renderLabels(names: readonly string[], values: readonly string[]): string {
  let text = '';
  let mapped: Set<string> | undefined;
  for (let index = 0; index < names.length; index += 1) {
    const value = values[index];
    if (value === undefined || value === '') continue;
    let name = names[index] ?? '';
    if (!NAME.test(name)) {
      mapped ??= new Set(names);
      name = distinct(labelName(name), mapped);
      mapped.add(name);
    }
    text += `${text === '' ? '' : ','}${name}="${labelValue(value)}"`;
  }
  return text;
}

/** Maps any text to a name that is legal for a label everywhere and not reserved (`__…`). */
export function labelName(text: string): string {
  if (NAME.test(text)) return text;
  const legal = text.replaceAll(/[^a-zA-Z0-9_]/g, '_');
  return (/^[a-zA-Z_]/.test(legal) ? legal : `_${legal}`).replace(/^_{2,}/, '_');
}

/** Makes a value fit to stand between the quotes: printable, at most 256 bytes before it is escaped, and escaped. */
export function labelValue(text: string): string {
  if (PLAIN_VALUE.test(text)) return text;
  // Each UTF-16 unit makes at least one byte, so what is behind the limit need not be looked at.
  const printable = text.slice(0, VALUE_LIMIT + 1).replaceAll(UNPRINTABLE, '\ufffd');
  return cut(printable).replaceAll(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= VALUE_LIMIT) return text;
  let end = VALUE_LIMIT - Buffer.byteLength(ELLIPSIS);
  while (isContinuation(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end) + ELLIPSIS;
}

/** Whether a byte of UTF-8 is inside a code point. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Two names can be mapped to one, and a sample with one name twice costs the whole scrape. */
function distinct(name: string, taken: ReadonlySet<string>): string {
  let candidate = name;
  for (let count = 2; taken.has(candidate); count += 1) candidate = `${name}_${count}`;
  return candidate;
}
