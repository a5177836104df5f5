import { readFileSync } from 'node:fs';

/** Name and version of this program. */
export interface Version {
  readonly name: string;
  readonly version: string;
  /** The commit it was built from; `undefined` unless the build wrote a `revision` into package.json. */
  readonly revision: string | undefined;
}

/** Reads the version from package.json, one directory above both `src` and `dist`. */
export function readVersion(): Version {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const text = (key: string): string | undefined => {
    const value: unknown = Object.entries(manifest ?? {}).find(([name]) => name === key)?.[1];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    name: text('name') ?? 'isolation-exporter',
    version: text('version') ?? '0.0.0',
    revision: text('revision'),
  };
}
