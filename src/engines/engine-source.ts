import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupMatch, Names } from '../container.ts';
import type { Log } from '../log.ts';
import { type EngineClient, type EngineEvent, type EnginePlace, type Named, NotServed } from './engine-client.ts';
import { inTime } from './in-time.ts';
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
interface Timings {
  readonly ping: number;
  readonly inspect: number;
  /** With a thousand containers, on a busy host. */
  readonly list: number;
  readonly heartbeat: number;
  /** How often all are asked for of an engine that has no events. */
  readonly listAgain: number;
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

/** How long each question may take. */
type Limit = 'ping' | 'inspect' | 'list';

/** Asks the engine something that has an end. */
type Ask = <T>(limit: Limit, question: (client: EngineClient, signal: AbortSignal) => Promise<T>) => Promise<T>;

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
  readonly #strangers = new Set<EnginePlace>();
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
      if (error instanceof NotServed) this.#strangers.add(place);
      else this.#strangers.delete(place);
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

  /** One connection, from its first call to its end, which is always an error. */
  async #session(place: EnginePlace): Promise<never> {
    const client = await place.connect();
    const session = new AbortController();
    const stop = (): void => session.abort();
    const { signal } = session;
    // Each call listens to it, and there is no leak in several at a time for Node to warn of.
    setMaxListeners(0, signal);
    try {
      this.#stop.signal.throwIfAborted();
      this.#stop.signal.addEventListener('abort', stop, { once: true });
      const ask: Ask = (limit, question) =>
        inTime((call) => question(client, call), { ms: this.#timings[limit], signal, what: limit });
      await ask('ping', (engine, call) => engine.ping(call));
      // Before the list, so that nothing is missed between them.
      const events = await inTime(async () => client.events?.(signal), {
        ms: this.#timings.ping,
        signal,
        what: 'events',
      });
      const takeAll = async (): Promise<void> => {
        this.#takeList(await ask('list', (engine, call) => engine.list(call)));
        this.#inspections.begin((id) => this.#inspect(ask, id));
      };
      await takeAll();
      this.up = true;
      this.#wasUp = true;
      this.tried = true;
      if (!this.#saidDown) this.#sayUp();
      const instead = events === undefined ? this.#takeAgain(takeAll, signal) : this.#follow(events);
      return await Promise.race([instead, this.#beat(ask, signal)]);
    } finally {
      this.#inspections.pause();
      session.abort();
      this.#stop.signal.removeEventListener('abort', stop);
    }
  }

  /** What would come by events. */
  async #takeAgain(takeAll: () => Promise<void>, signal: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(this.#timings.listAgain, undefined, { signal, ref: false });
      await takeAll();
    }
  }

  #takeList(list: readonly Named[]): void {
    const listed = new Set<string>();
    for (const { id, names } of list) {
      listed.add(id);
      this.#cache.putBrief(id, names);
    }
    this.#cache.forgetOthers((id) => listed.has(id) || this.#inspections.isWanted(id));
  }

  async #inspect(ask: Ask, id: string): Promise<void> {
    const { names } = await ask('inspect', (engine, call) => engine.inspect(id, call));
    this.#cache.put(id, names);
    // It went while it was asked about; it may still be told of.
    if (!this.#inspections.isWanted(id)) this.#cache.forget(id);
  }

  async #follow(events: AsyncIterable<EngineEvent>): Promise<never> {
    for await (const { id, isEnd, names } of events) {
      if (!isEnd) this.#cache.putBrief(id, names);
      if (this.#inspections.isWanted(id)) this.#inspections.again(id);
      else if (isEnd) this.#cache.forget(id);
    }
    throw new Error('The stream of events ended');
  }

  /** An engine that hangs keeps its connections open and says nothing. */
  async #beat(ask: Ask, signal: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(this.#timings.heartbeat, undefined, { signal, ref: false });
      await ask('ping', (engine, call) => engine.ping(call));
      // One that goes again right after it has come is not worth a line each time.
      if (this.#saidDown) this.#sayUp();
    }
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
    return this.#options.isDefault && !this.#wasUp && there.some((place) => this.#strangers.has(place));
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
