/** The maximum length of a label value in bytes of UTF-8. Prometheus' limits, where set, are 512 and more. */
const VALUE_LIMIT = 256;

const ELLIPSIS = '…';

/** Values that need neither shortening nor escaping: nearly all. */
const PLAIN_VALUE = /^[ !#-[\]-~]{0,256}$/;

/**
 * Control characters except the newline, which has its own escape, and lone surrogates. The formats forbid only the latter,
 * but people read values in terminals, and a container's name must not move the cursor.
 */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ud800-\udfff]/gu;

const NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Renders label pairs for the braces of a sample: `engine="docker",container="web"`. Names and values are in the same order.
 * Empty and missing values are omitted, because they mean the same as no label.
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

/** Maps any text to a valid label name that is not reserved (`__…`). */
export function labelName(text: string): string {
  if (NAME.test(text)) return text;
  const legal = text.replaceAll(/[^a-zA-Z0-9_]/g, '_');
  return (/^[a-zA-Z_]/.test(legal) ? legal : `_${legal}`).replace(/^_{2,}/, '_');
}

/** Prepares a value for the quotes: printable, at most 256 bytes before escaping, and escaped. */
export function labelValue(text: string): string {
  if (PLAIN_VALUE.test(text)) return text;
  // Each UTF-16 unit takes at least one byte, so text beyond the limit can be ignored.
  const printable = text.slice(0, VALUE_LIMIT + 1).replaceAll(UNPRINTABLE, '\ufffd');
  return cut(printable).replaceAll(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

/** Whether a value stays as it is: nothing in it is shortened or replaced. Such values are distinct if their texts are. */
export function isKeptWhole(text: string): boolean {
  return PLAIN_VALUE.test(text) || (text.search(UNPRINTABLE) < 0 && Buffer.byteLength(text) <= VALUE_LIMIT);
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

/** Two names can map to the same one, and a sample with a duplicate label name makes the whole scrape fail. */
function distinct(name: string, taken: ReadonlySet<string>): string {
  let candidate = name;
  for (let count = 2; taken.has(candidate); count += 1) candidate = `${name}_${count}`;
  return candidate;
}
