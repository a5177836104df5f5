/** The lines of a page between which a program writes. */
export interface Section {
  readonly begin: string;
  readonly end: string;
}

/**
 * Puts other content between two lines of a page.
 *
 * @param render makes it from the present content.
 * @throws Error if the page has no such lines.
 */
export function withSection(page: string, { begin, end }: Section, render: (before: string) => string): string {
  const [first, last] = [page.indexOf(begin), page.indexOf(end)];
  if (first < 0 || last < first) throw new Error(`The page has no lines ${begin} and ${end}`);
  const from = first + begin.length;
  return `${page.slice(0, from)}\n\n${render(page.slice(from, last))}\n${page.slice(last)}`;
}

/** A table of Markdown. @param alignments how each column is aligned; as text if not given. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  alignments: readonly ('text' | 'number')[] = [],
): string {
  const rule = header.map((_, nth) => (alignments[nth] === 'number' ? '--:' : '---'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** The rows of a table of Markdown, without its header. */
export function rowsOfTable(table: string): readonly (readonly string[])[] {
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .slice(2)
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim()));
}
