/**
 * Characters that JSON leaves as they are and that a terminal could take for a command, or that hide: DEL, the C1
 * controls, line separators, marks that turn the direction of writing or have no width.
 */
const DANGEROUS =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Renders a value as indented JSON that is fit for a terminal and still says the same. */
export function printableJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replaceAll(DANGEROUS, escapeUnits)}\n`;
}

/** Of a character beyond U+FFFF JSON has an escape only for each half. */
function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}
