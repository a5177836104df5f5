const ELLIPSIS = '…';

/** Characters that take two columns in a terminal (UAX #11, wide and fullwidth). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

const COMBINING = /\p{Mn}|\p{Me}/u;

/** The width of printable text in columns. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** Shortens text to a width in columns, with an ellipsis. */
export function cutTo(width: number, text: string): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let left = width - widthOf(ELLIPSIS);
  for (const character of text) {
    left -= columnsOf(character);
    if (left < 0) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}

/** Wraps text at spaces to a width in columns. A wider word gets its own line. */
export function wrap(width: number, text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || widthOf(last) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function columnsOf(character: string): number {
  if (/^[\u0020-\u007e]$/.test(character)) return 1;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
