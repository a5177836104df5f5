import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

const require = createRequire(import.meta.url);

/** Parsed YAML, and where each part of it is. */
export interface YamlFile {
  /** Maps, lists and texts. All scalars stay text, so that no user name becomes a number. */
  readonly value: unknown;
  /** The line of a part, by the names and positions that lead to it; `undefined` if there is no such part. */
  lineOf(path: readonly (string | number)[]): number | undefined;
}

/**
 * Parses YAML to maps, lists and texts.
 *
 * @throws Error with the line number, but without the content of the line.
 */
export function readYaml(text: string): unknown {
  return readYamlFile(text).value;
}

/**
 * Parses YAML, and keeps where its parts are.
 *
 * @throws Error as {@link readYaml}.
 */
export function readYamlFile(text: string): YamlFile {
  // Its 70 modules are loaded for the first file. Most exporters have none.
  const { isNode, LineCounter, parseDocument } = require('yaml') as typeof Yaml;
  const lineCounter = new LineCounter();
  // Pretty errors quote the source, including secrets.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter, prettyErrors: false });
  const lineAt = (offset: number): number => lineCounter.linePos(offset).line;
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong !== undefined) {
    const what = wrong.code === 'DUPLICATE_KEY' ? 'a key appears twice' : `invalid YAML (${wrong.code.toLowerCase()})`;
    throw new Error(`line ${lineAt(wrong.pos[0])}: ${what}`);
  }
  try {
    return {
      value: document.toJS({ mapAsMap: true }),
      lineOf(path) {
        const part: unknown = document.getIn(path, true);
        return isNode(part) && part.range ? lineAt(part.range[0]) : undefined;
      },
    };
  } catch (error) {
    throw new Error('invalid YAML (an alias without its anchor, or too many aliases)', { cause: error });
  }
}
