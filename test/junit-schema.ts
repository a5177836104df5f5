import { readFileSync } from 'node:fs';
import { validateXML } from 'xmllint-wasm';

/** Not wider than the schema of Jenkins. */
const SCHEMA = readFileSync(new URL('schemas/junit.xsd', import.meta.url), 'utf8');

/** Validates a document against the schema of JUnit XML, with one line for each problem. */
export async function junitErrors(xml: string): Promise<readonly string[]> {
  const { errors } = await validateXML({
    xml: [{ fileName: 'report.xml', contents: xml }],
    schema: [{ fileName: 'junit.xsd', contents: SCHEMA }],
  });
  return errors.map(({ rawMessage }) => rawMessage);
}
