import type * as fs from 'node:fs';

/** The real file system, also where `node:fs` is interposed. */
export const realFs: typeof fs = process.getBuiltinModule('node:fs');

/** One system call of the product on a file of the tree. */
export interface Call {
  readonly name: string;
  /** The path below the root of the tree, also for a call on an open descriptor. */
  readonly path: string;
}

/** What the kernel answers instead of the file: an error code, or no bytes. */
export type Answer = { readonly code: string } | 'nothing';

interface Descriptor {
  readonly path: string;
  /** What is behind it was removed. */
  goneWith?: string;
}

/**
 * Stands between the product and the kernel: each synchronous call of `node:fs` on the tree of one test. A removed cgroup or ended
 * process leaves open descriptors behind that answer as the kernel does, which a plain directory would not.
 */
class SystemCalls {
  #root: string | undefined;
  /** Called before each call. */
  before: ((call: Call) => void) | undefined;
  /** What to answer instead of the file. */
  answer: ((call: Call) => Answer | undefined) | undefined;
  readonly #open = new Map<number, Descriptor>();

  /** Stands at a tree from now on. */
  standAt(root: string): void {
    this.#root = root;
    this.before = undefined;
    this.answer = undefined;
  }

  /** Descriptors below these paths answer with an error from now on. */
  cutOff(below: readonly string[], code: (path: string) => string): void {
    for (const descriptor of this.#open.values()) {
      if (below.some((path) => isAtOrBelow(descriptor.path, path))) descriptor.goneWith = code(descriptor.path);
    }
  }

  /** `node:fs` for the product. */
  interposed(real: typeof fs): typeof fs {
    const onPath =
      (name: string) =>
      (path: unknown, ...rest: readonly unknown[]): unknown => {
        const found = typeof path === 'string' ? this.#find(path) : undefined;
        const call = Reflect.get(real, name) as (...values: unknown[]) => unknown;
        if (found === undefined) return call(path, ...rest);
        const isQuiet = (rest.at(-1) as { throwIfNoEntry?: boolean } | undefined)?.throwIfNoEntry === false;
        const code = this.#wordOn({ name, path: found.path }, found.through);
        if (code === 'ENOENT' && isQuiet) return undefined;
        if (code !== undefined && code !== 'nothing') throw systemError(code, name);
        const result = call(this.#root + found.path, ...rest);
        if (name === 'openSync') this.#open.set(result as number, { path: found.path });
        return result;
      };
    const onDescriptor =
      (name: string) =>
      (descriptor: number, ...rest: readonly unknown[]): unknown => {
        const open = this.#open.get(descriptor);
        const call = Reflect.get(real, name) as (...values: unknown[]) => unknown;
        if (open === undefined) return call(descriptor, ...rest);
        if (name === 'closeSync') {
          this.#open.delete(descriptor);
          return call(descriptor);
        }
        const code = this.#wordOn({ name, path: open.path }, open);
        if (code === 'nothing') return name === 'readSync' ? 0 : call(descriptor, ...rest);
        if (code !== undefined) throw systemError(code, name);
        return call(descriptor, ...rest);
      };
    const paths = ['openSync', 'statSync', 'lstatSync', 'readlinkSync', 'readdirSync', 'readFileSync', 'existsSync'];
    const descriptors = ['readSync', 'closeSync', 'fstatSync'];
    return {
      ...real,
      ...Object.fromEntries(paths.map((name) => [name, onPath(name)])),
      ...Object.fromEntries(descriptors.map((name) => [name, onDescriptor(name)])),
    };
  }

  /** What the kernel says to a call, after something has happened before it. */
  #wordOn(call: Call, through: Descriptor | undefined): string | undefined {
    this.before?.(call);
    if (through?.goneWith !== undefined) return through.goneWith;
    const answer = this.answer?.(call);
    return answer === 'nothing' || answer === undefined ? answer : answer.code;
  }

  #find(path: string): { readonly path: string; readonly through: Descriptor | undefined } | undefined {
    const [, descriptor = '', rest = ''] = /^\/proc\/self\/fd\/(\d+)(\/.*)?$/.exec(path) ?? [];
    const through = this.#open.get(Number(descriptor === '' ? NaN : descriptor));
    if (through !== undefined) return { path: through.path + rest, through };
    if (this.#root === undefined || !isAtOrBelow(path, this.#root)) return undefined;
    return { path: path.slice(this.#root.length), through: undefined };
  }
}

/** The one that the mocked `node:fs` of a test uses. */
export const systemCalls = new SystemCalls();

export function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: made by a test, ${syscall}`), { code, syscall });
}
