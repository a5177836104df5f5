import { readdirSync, readFileSync } from 'node:fs';

const DOCS = new URL('../docs/', import.meta.url);

/** The texts of the code blocks in a language. */
export function blocksOf(text: string, language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
}

/** A query in a document. */
export interface DocQuery {
  /** Below `docs`. */
  readonly file: string;
  readonly query: string;
}

/** All queries in documents. */
export function docQueries(): readonly DocQuery[] {
  const files = readdirSync(DOCS, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
  return files.toSorted().flatMap((file) => {
    const blocks = blocksOf(readFileSync(new URL(file, DOCS), 'utf8'), 'promql');
    return blocks.map((query) => ({ file, query: query.trim() }));
  });
}
