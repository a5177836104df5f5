import type { Exit, HealthStatus, Life, Names } from '../container.ts';

/** The maximum number of ended containers whose end is exported. Beyond it the oldest are only counted. */
export const MOST_ENDED = 100;

/** The maximum number of containers that are known here. An engine that reports more on one host is broken. */
const MOST_KNOWN = 20_000;

type MayBeLife = { readonly [K in keyof Life]: Life[K] | undefined };

/** A container that has ended, and that its engine keeps. */
export interface Ended {
  readonly id: string;
  readonly names: Names;
  readonly life: Life;
}

/**
 * What an engine says about the lives of its containers: running ones, as far as somebody asked for them, and all ended ones. Its size
 * is bounded, whatever an engine sends.
 */
export class ContainerLives {
  readonly #lives = new Map<string, Life>();
  /** The names of the containers that have ended, the oldest first. */
  readonly #ended = new Map<string, Names>();
  /** Ended containers beyond the limit. */
  readonly #leftOut = new Set<string>();
  readonly #onLeftOut: () => void;
  readonly #onNotEnded: (id: string) => void;

  /**
   * @param options.onLeftOut a container was left out, because too many have ended.
   * @param options.onNotEnded nobody needs to ask about the end of a container any more.
   */
  constructor(options: { readonly onLeftOut: () => void; readonly onNotEnded: (id: string) => void }) {
    this.#onLeftOut = options.onLeftOut;
    this.#onNotEnded = options.onNotEnded;
  }

  /** What is known about a container: the same object as long as nothing changes. */
  get(id: string): Life | undefined {
    return this.#lives.get(id);
  }

  /** Whether a container has ended and is not left out. */
  isEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** The containers that have ended, the oldest first. */
  ended(): readonly Ended[] {
    return [...this.#ended].map(([id, names]) => ({ id, names, life: this.#lives.get(id) ?? {} }));
  }

  /** How many containers have ended, with those that are left out. */
  get endedCount(): number {
    return this.#ended.size + this.#leftOut.size;
  }

  /** Takes the answer to a request about one container. Only for one that ended it says how; otherwise the last end stays. */
  inspected(id: string, life: MayBeLife): void {
    this.#put(id, { ...life, exit: life.exit ?? this.#lives.get(id)?.exit });
  }

  /** Its health check has a result. */
  checked(id: string, health: HealthStatus): void {
    if (this.#lives.has(id)) this.#put(id, { ...this.#lives.get(id), health });
  }

  /** A container has ended. */
  end(id: string, names: Names, exit: Exit | undefined): void {
    const { restarts, exit: before } = this.#lives.get(id) ?? {};
    this.#put(id, { restarts, exit: exit ?? before });
    this.#ended.delete(id);
    this.#addEnded(id, names);
  }

  /** The name of a container that has ended may be another one by now. */
  rename(id: string, { name }: Names): void {
    const names = this.#ended.get(id);
    if (names === undefined || name === undefined || name === names.name) return;
    this.#ended.set(id, { ...names, name });
  }

  /** How a container ended that runs again by now. */
  ranAgain(id: string, exit: Exit): void {
    this.#put(id, { ...this.#lives.get(id), exit });
  }

  /** A container runs. */
  start(id: string): void {
    this.#leftOut.delete(id);
    if (this.#ended.delete(id)) this.#onNotEnded(id);
  }

  /** The engine does not know a container any more. */
  remove(id: string): void {
    this.start(id);
    this.#lives.delete(id);
  }

  /** Nobody asks for a container any more. Its end stays known. */
  forget(id: string): void {
    if (!this.#ended.has(id)) this.#lives.delete(id);
  }

  /**
   * The engine has listed all containers that have ended, the newest first.
   *
   * @param isComplete `false`: one that is not in the list may have ended too.
   */
  listEnded(containers: readonly { readonly id: string; readonly names: Names }[], isComplete: boolean): void {
    const listed = new Set(containers.map(({ id }) => id));
    if (isComplete) for (const id of [...this.#ended.keys(), ...this.#leftOut]) if (!listed.has(id)) this.remove(id);
    for (const { id, names } of containers.toReversed()) {
      this.rename(id, names);
      if (this.#ended.has(id) || this.#leftOut.has(id)) continue;
      this.#addEnded(id, names);
    }
  }

  /** The engine does not answer. Its health checks may have stopped, so their results are unknown. */
  loseHealth(): void {
    for (const [id, life] of this.#lives) if (life.health !== undefined) this.#put(id, { ...life, health: undefined });
  }

  #addEnded(id: string, names: Names): void {
    this.#leftOut.delete(id);
    if (this.endedCount >= MOST_KNOWN) return;
    this.#ended.set(id, names);
    if (this.#ended.size <= MOST_ENDED) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      this.#lives.delete(oldest);
      this.#leftOut.add(oldest);
      this.#onNotEnded(oldest);
      this.#onLeftOut();
      return;
    }
  }

  /** Keeps the same object if nothing changes. */
  #put(id: string, { health, restarts, exit }: MayBeLife): void {
    const before = this.#lives.get(id);
    if (before === undefined && this.#lives.size >= MOST_KNOWN) return;
    if (before !== undefined && before.health === health && before.restarts === restarts && isSame(before.exit, exit)) {
      return;
    }
    this.#lives.set(id, {
      ...(health !== undefined && { health }),
      ...(restarts !== undefined && { restarts }),
      ...(exit !== undefined && { exit }),
    });
  }
}

function isSame(a: Exit | undefined, b: Exit | undefined): boolean {
  return a === b || (a?.code === b?.code && a?.at === b?.at && a?.oomKilled === b?.oomKilled);
}
