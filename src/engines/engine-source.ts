import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupMatch, Names } from '../container.ts';
import type { Log } from '../log.ts';
import { type EnginePlace, UnsupportedApi } from './engine-client.ts';
import { runSession, type SessionTimings } from './engine-session.ts';
import { Inspections } from './inspections.ts';
import { NameCache } from './name-cache.ts';
import type { NameSource } from './name-source.ts';

/** What there is to know of an engine before it is asked. */
export interface EngineOptions {
  readonly name: string;
  /** Whether it may know the name of a container. */
  readonly mayKnow: (match: CgroupMatch) => boolean;
  /** Nobody asked for it by name, so that it is not there is no failure. */
  readonly isDefault: boolean;
  readonly log: Log;
  readonly timings?: Partial<Timings>;
  /** Where it may be: the first that is there is asked, and after a failure the next. */
  readonly places: readonly EnginePlace[];
}

/** In ms. */
interface Timings extends SessionTimings {
  readonly lookForSocket: number;
  readonly shortestBackOff: number;
  readonly longestBackOff: number;
  readonly keepForgotten: number;
  /** After each failure to inspect; a container's cgroup is there before its engine admits to it. */
  readonly inspectAgain: readonly number[];
}

const TIMINGS: Timings = {
  ping: 2_000,
  inspect: 2_000,
  list: 10_000,
  heartbeat: 5_000,
  listAgain: 60_000,
  lookForSocket: 2_000,
  shortestBackOff: 250,
  longestBackOff: 15_000,
  keepForgotten: 60_000,
  inspectAgain: [100, 300, 1_000, 3_000, 10_000],
};

/**
 * Names from an engine, whatever its API. It connects when the engine is there, and again for ever when it goes; meanwhile
 * it answers from what it knew.
 */
export class EngineSource implements NameSource {
  readonly name: string;
  up: boolean | undefined;
  tried = false;
  readonly #options: EngineOptions;
  readonly #timings: Timings;
  readonly #stop = new AbortController();
  readonly #cache: NameCache;
  readonly #inspections: Inspections;
  readonly #loop: Promise<void>;
  #wasUp = false;
  /** Places behind whose sockets something else listens. */
  readonly #nonEngines = new Set<EnginePlace>();
  /** It has been said that the engine does not answer, and not since that it does. */
  #saidDown = false;

  constructor(options: EngineOptions) {
    this.name = options.name;
    this.up = options.isDefault ? undefined : false;
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#cache = new NameCache(this.#timings.keepForgotten);
    this.#inspections = new Inspections(this.#timings.inspectAgain, (id, error) =>
      options.log.debug({ source: this.name, id, error }, 'cannot ask the engine about a container'),
    );
    this.#loop = this.#connectForEver();
  }

  mayKnow(match: CgroupMatch): boolean {
    return this.#options.mayKnow(match);
  }

  namesOf(id: string): Names | undefined {
    return this.#cache.get(id);
  }

  want(id: string): void {
    this.#cache.remember(id);
    this.#inspections.want(id);
  }

  forget(id: string): void {
    this.#inspections.forget(id);
    this.#cache.forget(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    for (const place of this.#options.places) place.close();
    this.#inspections[Symbol.dispose]();
    this.#cache[Symbol.dispose]();
    this.up &&= false;
  }

  async #connectForEver(): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const there = this.#options.places.filter(({ socketPath }) => socketPath === undefined || existsSync(socketPath));
      const place = there[failures % there.length];
      if (place === undefined) {
        if (this.up !== undefined) this.#down(new Error(`There is no ${this.#socketPaths()}`));
        this.tried = true;
        await this.#pause(this.#timings.lookForSocket);
        continue;
      }
      // From now on names may come, and new containers wait for them.
      if (!this.#isElsewhere(there)) this.up ??= false;
      const start = performance.now();
      const error = await this.#session(place).catch((reason: unknown) => reason);
      if (signal.aborted) return;
      if (error instanceof UnsupportedApi) this.#nonEngines.add(place);
      else this.#nonEngines.delete(place);
      if (this.#isElsewhere(there)) this.#notThere(error);
      else this.#down(error);
      this.tried = true;
      // One that fails right after it has answered is not asked more often for having answered.
      if (performance.now() - start > this.#timings.heartbeat * 2) failures = 0;
      const backOff = Math.min(
        this.#timings.longestBackOff,
        this.#timings.shortestBackOff * 2 ** Math.min(failures, 16),
      );
      failures += 1;
      await this.#pause(backOff * (0.5 + Math.random() / 2));
    }
  }

  #socketPaths(): string {
    return this.#options.places.map(({ socketPath }) => JSON.stringify(socketPath)).join(' or ');
  }

  #session(place: EnginePlace): Promise<never> {
    return runSession({
      place,
      timings: this.#timings,
      cache: this.#cache,
      inspections: this.#inspections,
      stop: this.#stop.signal,
      onListed: () => {
        this.up = true;
        this.#wasUp = true;
        this.tried = true;
        if (!this.#saidDown) this.#sayUp();
      },
      // One that goes again right after it has come is not worth a line each time.
      onBeat: () => {
        if (this.#saidDown) this.#sayUp();
      },
    });
  }

  #sayUp(): void {
    this.#saidDown = false;
    this.#options.log.info({ source: this.name }, 'engine gives names');
  }

  /**
   * Whether what listens is none of these engines, as far as anybody knows. That is no failure of an engine that nobody asked
   * for, and there are no names to wait for.
   */
  #isElsewhere(there: readonly EnginePlace[]): boolean {
    return this.#options.isDefault && !this.#wasUp && there.some((place) => this.#nonEngines.has(place));
  }

  #notThere(error: unknown): void {
    this.up = undefined;
    this.#options.log.debug({ source: this.name, error }, 'no engine of this kind');
  }

  #down(error: unknown): void {
    this.up = false;
    if (this.#saidDown) return;
    this.#saidDown = true;
    this.#options.log.warn({ source: this.name, error }, 'engine does not answer; names are as last known');
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
  }
}
