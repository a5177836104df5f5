import type { Names } from '../container.ts';

/** Of containers that nobody has asked for: no engine runs as many on one host, so it is an engine gone mad. */
const MOST_UNASKED = 10_000;

/** Names of containers that are gone. */
const MOST_FORGOTTEN = 10_000;

/** What is known of containers' names. It does not grow without bound, whatever an engine says. */
export class NameCache implements Disposable {
  readonly #keepForgottenMs: number;
  readonly #names = new Map<string, Names>();
  /** When each forgotten container's names are to be dropped, the earliest first. */
  readonly #forgotten = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(keepForgottenMs: number) {
    this.#keepForgottenMs = keepForgottenMs;
  }

  /** The same object as long as nothing changes. */
  get(id: string): Names | undefined {
    return this.#names.get(id);
  }

  /** Takes in what the engine says of a container when asked about it. */
  put(id: string, names: Names): void {
    if (!sameNames(this.#names.get(id), names)) this.#names.set(id, names);
  }

  /**
   * Takes in what the engine says in passing, in a list or an event. That may be less, and its image an id where the
   * name has moved on; but the name can be newer.
   */
  putBrief(id: string, brief: Names): void {
    const known = this.#names.get(id);
    if (known === undefined && this.#names.size >= MOST_UNASKED) return;
    this.put(id, { ...brief, ...known, ...(brief.name !== undefined && { name: brief.name }) });
  }

  /** Keeps the names of a container until it is forgotten again. */
  remember(id: string): void {
    this.#forgotten.delete(id);
  }

  /** Drops the names of a container after a while: it may be back in a moment, or still be told of. */
  forget(id: string): void {
    if (!this.#names.has(id) || this.#forgotten.has(id)) return;
    this.#forgotten.set(id, performance.now() + this.#keepForgottenMs);
    this.#dropForgotten();
  }

  /** Forgets all but some. */
  forgetOthers(keep: (id: string) => boolean): void {
    for (const id of this.#names.keys()) if (!keep(id)) this.forget(id);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
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
  return all.size === others.length && others.every(([key, value]) => all.get(key) === value);
}
