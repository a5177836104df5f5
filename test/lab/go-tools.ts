import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildOnce, keptOf } from './build-once.ts';
import { host } from './host.ts';
import { privateDirectory } from './kept.ts';
import { quote, succeed } from './machine.ts';

/** The path of Go, if it is installed. */
const GO = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/go/bin']
  .map((directory) => join(directory, 'go'))
  .find((path) => existsSync(path));

/** Whether Go is installed. */
export const hasGo = GO !== undefined;

/**
 * Builds a program from a copy of the module's sources, after the shell has run `change` in it, unless an earlier run has built it.
 *
 * @returns its path.
 * @param module includes the version: `path/of/main@v1.2.3`.
 * @param command the directory of the program, and flags of `go build` before it.
 */
export function changedGoTool(
  module: string,
  change: string,
  command = '.',
  options: { readonly timeoutMs?: number } = {},
): Promise<string> {
  return build(
    module,
    `${SOURCES(module)}
    cp -r "$sources" "$work/sources"
    chmod -R u+w "$work/sources"
    cd "$work/sources"
    ${change}
    nice -n 15 go build -mod=mod -o "$work/bin/" ${command}`,
    options,
  );
}

/** The directory of a module's built programs. */
export function goDirectory(module: string): string {
  return join(privateDirectory(), `go-${module.replaceAll(/[^\w.@]/g, '-')}`);
}

/** Downloads a module's sources, and returns their directory in Go's cache. */
export function goSources(module: string): Promise<string> {
  return succeed(host, `PATH="$PATH":${quote(dirname(GO ?? ''))}\n${SOURCES(module)}\necho "$sources"`, {
    timeoutMs: 300_000,
  });
}

const SOURCES = (module: string) =>
  `sources=$(go mod download -json ${quote(module)} | sed -n 's/^\\s*"Dir": "\\(.*\\)",$/\\1/p')`;

/** Builds several programs of a module, unless an earlier run has built them. @param flags the flags of `go install`. */
export async function goTools(module: string, commands: readonly string[], flags: string): Promise<void> {
  const [path = '', version = ''] = module.split('@');
  const packages = commands.map((command) => `${path}/${command}@${version}`);
  await build(module, `GOBIN="$work/bin" nice go install ${flags} ${quote(...packages)}`);
}

/**
 * Builds our own program, unless an earlier run has built these sources.
 *
 * @param sources has a go.mod that pins what the program requires.
 * @returns its path.
 */
export function ownGoProgram(sources: string): Promise<string> {
  return buildOnce(
    keptOf('go', sources),
    `PATH="$PATH":${quote(dirname(GO ?? ''))}
    cp -r ${quote(sources)} "$work/sources"
    cd "$work/sources"
    nice go build -mod=mod -o "$work/bin/" .`,
  );
}

function build(module: string, script: string, options: { readonly timeoutMs?: number } = {}): Promise<string> {
  return buildOnce(goDirectory(module), `PATH="$PATH":${quote(dirname(GO ?? ''))}\n${script}`, options);
}
