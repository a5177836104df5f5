import { LineCounter, parseDocument } from 'yaml';

/**
 * Parses YAML to maps, lists and texts. All scalars stay text, so that no user name becomes a number.
 *
 * @throws Error with the line number, but without the content of the line.
 */
export function readYaml(text: string): unknown {
  const lineCounter = new LineCounter();
  // Pretty errors quote the source, including secrets.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter, prettyErrors: false });
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong === undefined) {
    try {
      return document.toJS({ mapAsMap: true });
    } catch (error) {
      throw new Error('invalid YAML (an alias without its anchor, or too many aliases)', { cause: error });
    }
  }
  const { line } = lineCounter.linePos(wrong.pos[0]);
  const what = wrong.code === 'DUPLICATE_KEY' ? 'a key appears twice' : `invalid YAML (${wrong.code.toLowerCase()})`;
  throw new Error(`line ${line}: ${what}`);
}
