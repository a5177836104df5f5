/** SGR parameters (ECMA-48). */
const STYLES = { strong: '1', alarm: '1;31', bad: '31', warning: '33', faint: '2' } as const;
export type Style = keyof typeof STYLES;

/** Colours text for a terminal; of text that is not to be coloured it leaves all as it is. */
export type Paint = (style: Style, text: string) => string;

/** Creates the painter for a terminal that takes colours, or for what does not. */
export function createPaint(colour: 'on' | 'off'): Paint {
  if (colour === 'off') return (_, text) => text;
  return (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m`;
}
