import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = `${ROOT}dist`;

// Chunks have the hash of their content in their names: those of an earlier build would stay.
rmSync(DIST, { recursive: true, force: true });
await build({
  entryPoints: ['src/cli.ts', 'src/probes/probe-program.js'],
  absWorkingDir: ROOT,
  outdir: DIST,
  // Both are beside each other, as the probe process is beside its program in the sources.
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  // One file for all that a command needs is loaded in half the time of 300 modules.
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  // What `engines` in package.json allows.
  target: 'node20.19',
  sourcemap: true,
  logLevel: 'warning',
});
chmodSync(`${DIST}/cli.js`, 0o755);
