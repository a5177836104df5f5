import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Source } from './contents.ts';

/** The SHA-256 of a file, in hex. */
export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/**
 * What the files were built from, as an in-toto statement with SLSA provenance 1.0: the commit, the locked packages and the tools.
 * It is not signed: whoever publishes a release signs it, and SHA256SUMS, with a key of their own.
 */
export function provenance(source: Source, files: readonly string[], tools: Readonly<Record<string, string>>): string {
  const { root, name, version, revision, date } = source;
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: files.map((path) => ({ name: basename(path), digest: { sha256: sha256(path) } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: `https://${name}.example/RELEASING.md`,
        externalParameters: { version },
        internalParameters: { SOURCE_DATE_EPOCH: Math.floor(date.getTime() / 1000) },
        resolvedDependencies: [
          { name: 'source', digest: { gitCommit: revision } },
          { name: 'package-lock.json', digest: { sha256: sha256(join(root, 'package-lock.json')) } },
        ],
      },
      runDetails: { builder: { id: `https://${name}.example/npm-run-release`, version: tools } },
    },
  };
  return `${JSON.stringify(statement, undefined, 2)}\n`;
}
