import { LineCounter, parseDocument } from 'yaml';

/**
 * Reads YAML to maps, lists and texts. All scalars stay as they are written: no user name turns into a number.
 *
 * @throws Error that tells the line and nothing of what is written there.
 */
export function readYaml(text: string): unknown {
  const lineCounter = new LineCounter();
  // What is "pretty" about errors is that they quote the source, secrets included.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter, prettyErrors: false });
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong === undefined) {
    try {
      return document.toJS({ mapAsMap: true });
    } catch (error) {
      throw new Error('not YAML (an alias without its anchor, or too many)', { cause: error });
    }
  }
  const { line } = lineCounter.linePos(wrong.pos[0]);
  const what = wrong.code === 'DUPLICATE_KEY' ? 'a key is given twice' : `not YAML (${wrong.code.toLowerCase()})`;
  throw new Error(`line ${line}: ${what}`);
}
