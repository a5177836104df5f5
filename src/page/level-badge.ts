import { LEVELS, type LevelResult } from '../findings/level.ts';
import { type Markup, markup } from './markup.ts';

/** Renders a level as steps of a ladder and its name. Only what is below the usual has a colour, if it is known to be. */
export function levelBadge(standing: LevelResult | undefined): Markup {
  if (standing === undefined) return markup`<span class="level unknown">${ladder(-1)} unknown</span>`;
  const { level, levelName, certain } = standing;
  const kind = certain && level < 2 ? `low${level}` : 'usual';
  return markup`<span class="level ${kind}">
    ${ladder(level)}
    ${certain ? undefined : markup`<abbr title="at least">≥</abbr>`}
    ${level} ${nameOfLevel(levelName)}</span>`;
}

/** A name of a level as people read it. */
export function nameOfLevel(name: string): string {
  return name.replaceAll('_', '-');
}

function ladder(level: number): Markup {
  const steps = LEVELS.map((_, index) => {
    const height = 4 + index * 1.6;
    return markup`<rect
      class="${index <= level ? 'on' : 'off'}"
      x="${index * 5}"
      y="${12 - height}"
      width="4"
      height="${height}"
    />`;
  });
  return markup`<svg class="ladder" viewBox="0 0 29 12" aria-hidden="true">${steps}</svg>`;
}
