import type { Names } from '../container.ts';

/** The maximum number of containers whose names nobody requested. An engine that reports more on one host is broken. */
const MOST_UNASKED = 10_000;

/** The maximum number of removed containers whose names are kept. */
const MOST_FORGOTTEN = 10_000;

/** The names of containers. Its size is bounded, whatever an engine sends. */
export class NameCache implements Disposable {
  readonly #keepForgottenMs: number;
  readonly #isWanted: (id: string) => boolean;
  readonly #names = new Map<string, Names>();
  /** When to drop the names of each removed container, earliest first. */
  readonly #forgotten = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param options.isWanted whether somebody has asked for the names of a container. */
  constructor(options: { readonly keepForgottenMs: number; readonly isWanted: (id: string) => boolean }) {
    this.#keepForgottenMs = options.keepForgottenMs;
    this.#isWanted = options.isWanted;
  }

  /** The names of a container. Returns the same object as long as nothing changes. */
  get(id: string): Names | undefined {
    return this.#names.get(id);
  }

  /** Stores the answer to a request about one container. */
  put(id: string, names: Names): void {
    if (!sameNames(this.#names.get(id), names)) this.#names.set(id, names);
  }

  /**
   * Stores names from a list or an event. These can be fewer than the known names, and the image can be an id once the
   * tag has moved. But the container's name may be newer.
   */
  putBrief(id: string, brief: Names): void {
    if (!this.#hasRoomFor(id)) return;
    const known = this.#names.get(id);
    this.put(id, { ...brief, ...known, ...(brief.name !== undefined && { name: brief.name }) });
  }

  /** Keeps the names of a container until it is forgotten again. */
  remember(id: string): void {
    this.#forgotten.delete(id);
  }

  /**
   * Drops the names of a container after a delay, because the container may return or its kills may still be exported.
   */
  forget(id: string): void {
    if (!this.#names.has(id) || this.#forgotten.has(id)) return;
    this.#forgotten.set(id, performance.now() + this.#keepForgottenMs);
    this.#dropForgotten();
  }

  /** Forgets all containers except these. */
  forgetOthers(keep: (id: string) => boolean): void {
    for (const id of this.#names.keys()) if (!keep(id)) this.forget(id);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #hasRoomFor(id: string): boolean {
    return this.#names.has(id) || this.#names.size < MOST_UNASKED || this.#isWanted(id);
  }

  #dropForgotten(): void {
    const now = performance.now();
    for (const [id, until] of this.#forgotten) {
      if (until > now && this.#forgotten.size <= MOST_FORGOTTEN) {
        this.#timer ??= setTimeout(
          () => {
            this.#timer = undefined;
            this.#dropForgotten();
          },
          until - now + 1,
        ).unref();
        return;
      }
      this.#forgotten.delete(id);
      this.#names.delete(id);
    }
  }
}

function sameNames(a: Names | undefined, b: Names): boolean {
  if (a === undefined) return false;
  const all = new Map(Object.entries(a));
  const others = Object.entries(b);
  return all.size === others.length && others.every(([key, value]) => isSame(all.get(key), value));
}

/** Labels are objects of texts, in the order of the configuration. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
