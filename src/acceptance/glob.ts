/** Whether a text matches a pattern. */
export type Matcher = (text: string) => boolean;

/**
 * Makes a matcher for a whole text. `*` stands for any characters, also none; all others stand for themselves. It takes at most
 * time in proportion to the lengths of pattern and text multiplied.
 */
export function globMatcher(pattern: string): Matcher {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
    const end = text.length - last.length;
    let at = first.length;
    // The earliest place of each part leaves the most room for the next, so that nothing need be tried again.
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
