/** SGR parameters (ECMA-48). */
const STYLES = { strong: '1', alarm: '1;31', bad: '31', warning: '33', faint: '2' } as const;
export type Style = keyof typeof STYLES;

/** Colours text for a terminal, or returns it unchanged. */
export type Paint = (style: Style, text: string) => string;

/** Creates a function that colours text, or one that does not. */
export function createPaint(colour: 'on' | 'off'): Paint {
  if (colour === 'off') return (_, text) => text;
  return (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m`;
}
