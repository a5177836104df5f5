import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineClient, EngineEvent, EnginePlace, Named } from './engine-client.ts';
import { inTime } from './in-time.ts';
import type { Inspections } from './inspections.ts';
import type { NameCache } from './name-cache.ts';

/** In ms. */
export interface SessionTimings {
  readonly ping: number;
  readonly inspect: number;
  /** With a thousand containers, on a busy host. */
  readonly list: number;
  readonly heartbeat: number;
  /** How often all are asked for of an engine that has no events. */
  readonly listAgain: number;
}

/** What a session works on. */
interface SessionOptions {
  readonly place: EnginePlace;
  readonly timings: SessionTimings;
  readonly cache: NameCache;
  readonly inspections: Inspections;
  /** Ends it. */
  readonly stop: AbortSignal;
  /** The engine has named all that it has. */
  readonly onListed: () => void;
  /** It answers still. */
  readonly onBeat: () => void;
}

/** Asks the engine something that has an end, and that may take so long. */
type Ask = <T>(
  limit: 'ping' | 'inspect' | 'list',
  question: (client: EngineClient, signal: AbortSignal) => Promise<T>,
) => Promise<T>;

/**
 * One connection to an engine, from its first call to its end, which is always an error. All names that come go into the
 * cache.
 */
export async function runSession({ place, stop, ...parts }: SessionOptions): Promise<never> {
  const client = await place.connect();
  const session = new AbortController();
  const end = (): void => session.abort();
  const { signal } = session;
  // Each call listens to it, and there is no leak in several at a time for Node to warn of.
  setMaxListeners(0, signal);
  try {
    stop.throwIfAborted();
    stop.addEventListener('abort', end, { once: true });
    return await new Session(client, signal, parts).run();
  } finally {
    parts.inspections.pause();
    end();
    stop.removeEventListener('abort', end);
  }
}

class Session {
  readonly #client: EngineClient;
  readonly #signal: AbortSignal;
  readonly #parts: Omit<SessionOptions, 'place' | 'stop'>;

  constructor(client: EngineClient, signal: AbortSignal, parts: Omit<SessionOptions, 'place' | 'stop'>) {
    this.#client = client;
    this.#signal = signal;
    this.#parts = parts;
  }

  async run(): Promise<never> {
    await this.#ping();
    // Before the list, so that nothing is missed between them.
    const events = await this.#subscribe();
    await this.#takeAll();
    this.#parts.onListed();
    return Promise.race([events === undefined ? this.#takeAgain() : this.#follow(events), this.#beat()]);
  }

  readonly #ask: Ask = (limit, question) =>
    inTime((call) => question(this.#client, call), {
      ms: this.#parts.timings[limit],
      signal: this.#signal,
      what: limit,
    });

  #ping(): Promise<void> {
    return this.#ask('ping', (engine, call) => engine.ping(call));
  }

  #subscribe(): Promise<AsyncIterable<EngineEvent> | undefined> {
    const { ping } = this.#parts.timings;
    return inTime(async () => this.#client.events?.(this.#signal), { ms: ping, signal: this.#signal, what: 'events' });
  }

  async #takeAll(): Promise<void> {
    this.#takeList(await this.#ask('list', (engine, call) => engine.list(call)));
    this.#parts.inspections.begin((id) => this.#inspect(id));
  }

  #takeList(list: readonly Named[]): void {
    const { cache, inspections } = this.#parts;
    const listed = new Set<string>();
    for (const { id, names } of list) {
      listed.add(id);
      cache.putBrief(id, names);
    }
    cache.forgetOthers((id) => listed.has(id) || inspections.isWanted(id));
  }

  async #inspect(id: string): Promise<void> {
    const { cache, inspections } = this.#parts;
    const { names } = await this.#ask('inspect', (engine, call) => engine.inspect(id, call));
    cache.put(id, names);
    // It went while it was asked about; it may still be told of.
    if (!inspections.isWanted(id)) cache.forget(id);
  }

  async #follow(events: AsyncIterable<EngineEvent>): Promise<never> {
    const { cache, inspections } = this.#parts;
    for await (const { id, isEnd, names } of events) {
      if (!isEnd) cache.putBrief(id, names);
      if (inspections.isWanted(id)) inspections.again(id);
      else if (isEnd) cache.forget(id);
    }
    throw new Error('The stream of events ended');
  }

  /** What would come by events. */
  async #takeAgain(): Promise<never> {
    for (;;) {
      await this.#sleep(this.#parts.timings.listAgain);
      await this.#takeAll();
    }
  }

  /** An engine that hangs keeps its connections open and says nothing. */
  async #beat(): Promise<never> {
    for (;;) {
      await this.#sleep(this.#parts.timings.heartbeat);
      await this.#ping();
      this.#parts.onBeat();
    }
  }

  #sleep(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#signal, ref: false });
  }
}
