import { createRequire } from 'node:module';
import Ajv from 'ajv-draft-04';

const require = createRequire(import.meta.url);

/** Validates a log against the schema of SARIF 2.1.0, with one line for each problem. Unknown properties are problems. */
export function sarifErrors(log: unknown): readonly string[] {
  const ajv = new Ajv.default({ allErrors: true, strict: false, validateFormats: false, unicodeRegExp: false });
  ajv.validate(require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'), log);
  return (ajv.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
