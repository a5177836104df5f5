/**
 * Characters that JSON does not escape but a terminal may interpret or hide: DEL, C1 controls, line separators,
 * bidirectional controls, characters without width.
 */
const DANGEROUS =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Renders a value as indented JSON that is safe for a terminal and parses to the same value. */
export function printableJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replaceAll(DANGEROUS, escapeUnits)}\n`;
}

/** JSON escapes a character beyond U+FFFF as a surrogate pair. */
function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}
