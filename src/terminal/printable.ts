/**
 * What a terminal could take for a command, or what does not show and so makes one name look like another: controls,
 * line separators, marks that turn the direction of writing, marks without a width, tags, halves of surrogate pairs.
 */
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e007f}]/gu;

/** Makes text from elsewhere fit for one line of a terminal: what has no place there becomes U+FFFD. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\ufffd');
}
