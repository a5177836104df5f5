import type { Page } from 'playwright-core';

/** A text with too little contrast, and its contrast by WCAG 2, which should be at least 4.5. */
export interface FaintText {
  readonly text: string;
  readonly contrast: number;
}

/** Finds texts with too little contrast to their background. Ignores pictures and gradients. */
export async function faintTexts(page: Page): Promise<readonly FaintText[]> {
  return page.evaluate<readonly FaintText[]>(FAINT_TEXTS);
}

/** This function runs in the page. */
const FAINT_TEXTS = `(() => {
  const parse = (text) => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\\d.]+/g) ?? []).map(Number);
    return { red, green, blue, alpha };
  };
  const luminance = ({ red, green, blue }) => {
    const [r, g, b] = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.alpha === 1) return colour;
    }
    return parse('rgb(255, 255, 255)');
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() !== null) {
    const { parentElement: element, textContent } = walker.currentNode;
    const text = textContent.trim();
    if (text === '' || element.closest('script, style') !== null || !element.checkVisibility()) continue;
    const lights = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    if (contrast < 4.5) found.push({ text: text.slice(0, 60), contrast });
  }
  return found;
})()`;
