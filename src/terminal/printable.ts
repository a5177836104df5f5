/**
 * Characters that a terminal may interpret, or that are invisible and make one name look like another: controls, line
 * separators, bidirectional controls, characters without width, tags, lone surrogates.
 */
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e007f}]/gu;

/** Makes foreign text safe for one line of a terminal: unprintable characters become U+FFFD. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\ufffd');
}
