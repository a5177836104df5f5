import { LEVELS, type LevelResult } from '../findings/level.ts';
import { type Markup, markup } from './markup.ts';

/** Renders a level as bars and its name. Only a level that is certainly below `standard` has a colour. */
export function levelBadge(isolationLevel: LevelResult | undefined): Markup {
  if (isolationLevel === undefined) return markup`<span class="level unknown">${ladder(-1)} unknown</span>`;
  const { level, levelName, certain } = isolationLevel;
  const kind = certain && level < 2 ? `low${level}` : 'usual';
  return markup`<span class="level ${kind}">
    ${ladder(level)}
    ${certain ? undefined : markup`<abbr title="at least">≥</abbr>`}
    ${level} ${nameOfLevel(levelName)}</span>`;
}

/** The display name of a level. */
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
