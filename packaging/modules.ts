import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A package in `node_modules` that the program loads. */
export interface BundledModule {
  /** Below the root of the repository, such as `node_modules/@grpc/grpc-js`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly author: string | undefined;
  /** What the program may load, relative to the package. */
  readonly files: readonly string[];
}

/** What a lockfile says about one package. */
interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

/**
 * The packages that the program loads, by the lockfile: neither those of development, nor optional ones. The optional
 * ones are compiled for one machine (cpu-features of ssh2), which a package for all architectures cannot contain.
 * Throws if `npm ci` has not installed exactly the locked versions.
 */
export function bundledModules(root: string): BundledModule[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockEntry>>;
  };
  const needed = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional, optional }]) => path !== '' && !dev && !devOptional && !optional,
  );
  const modules = needed.map(([path, { version }]) => {
    const module = readModule(root, path);
    if (module.version !== version) {
      throw new Error(`${path} is version ${module.version}, but the lockfile says ${version}: run npm ci`);
    }
    return module;
  });
  // The others only have types.
  return modules.filter(({ files }) => files.some((file) => file !== 'package.json'));
}

function readModule(root: string, path: string): BundledModule {
  const file = join(root, path, 'package.json');
  if (!existsSync(file)) throw new Error(`${path} is missing: run npm ci`);
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
    readonly licenses?: readonly { readonly type: string }[];
    readonly author?: string | { readonly name: string };
  };
  const { name, version, license, licenses, author } = manifest;
  return {
    path,
    name,
    version,
    license: license ?? licenses?.map(({ type }) => type).join(' OR ') ?? 'unknown',
    author: typeof author === 'string' ? author : author?.name,
    files: loadedFiles(join(root, path)),
  };
}

/** What Node loads: code, data and the files of protocol buffers. No types, maps, texts, sources of native code or tests. */
const LOADED = /\.(?:js|cjs|mjs|json|proto)$/;

/** Folders of packages that no program loads, such as their own commands, and `node_modules`, whose packages the lockfile lists. */
const NOT_LOADED = new Set([
  'node_modules',
  'bin',
  'test',
  'tests',
  '__tests__',
  'spec',
  'specs',
  'example',
  'examples',
  'bench',
  'benchmark',
  'benchmarks',
  'browser',
  'docs',
  'scripts',
  'tasks',
]);

/** Builds for browsers, commands, and settings of the package's own development. */
const NOT_LOADED_FILE =
  /(?:\.min\.js|^bin\.m?js|^\..*|^(?:tsconfig|tslint|package-lock|bower|component)\b.*\.json|^(?:eslint|rollup|webpack)\.config\..*)$/;

/** The files of a package that the program may load, sorted. */
function loadedFiles(directory: string): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(directory, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = join(folder, entry.name);
      if (entry.isDirectory()) {
        return NOT_LOADED.has(entry.name) || entry.name.startsWith('.') ? [] : below(name);
      }
      return entry.isFile() && LOADED.test(entry.name) && !NOT_LOADED_FILE.test(entry.name) ? [name] : [];
    });
  return below('').toSorted();
}
