import { readFileSync } from 'node:fs';

/**
 * The containers of a captured host, from its manifest: the first 12 digits of their ids by name.
 *
 *     - `838e554f3408` `web`: 64 MiB, half a CPU and throttled, 20 tasks, CPU 0 only
 *     - `1c304c76b5c5` `leaky`: 16 MiB, one child killed by the OOM killer, the container lives on
 *     - `fe740b4114fc` `node-agent`: no limits, pid and network namespaces of the host
 */
export function containersOf(host: string): ReadonlyMap<string, string> {
  const manifest = readFileSync(new URL(`fixtures/${host}/MANIFEST.md`, import.meta.url), 'utf8');
  return new Map(
    Array.from(manifest.matchAll(/^- `([0-9a-f]{12})` `([^`]+)`:/gm), ([, id = '', name = '']) => [name, id]),
  );
}
