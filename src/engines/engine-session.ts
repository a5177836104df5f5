import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerList, EngineClient, EngineEvent, EnginePlace, OnLimit } from './engine-client.ts';
import { inTime } from './in-time.ts';
import type { Inspections } from './inspections.ts';
import type { NameCache } from './name-cache.ts';

/** Events carry their time in seconds. */
const EVENT_TIME_STEP_MS = 1_000;

/** The maximum number of running containers that are kept. An engine that reports more on one host is broken. */
const MOST_RUNNING = 10_000;

/** In ms. */
export interface SessionTimings {
  readonly ping: number;
  readonly inspect: number;
  /** Enough for a thousand containers on a busy host. */
  readonly list: number;
  readonly heartbeat: number;
  /** How often to request the list from an engine without events. */
  readonly listAgain: number;
}

interface SessionOptions {
  readonly place: EnginePlace;
  readonly timings: SessionTimings;
  readonly cache: NameCache;
  readonly inspections: Inspections;
  /** The ids of the containers that the engine reports as running. */
  readonly running: Set<string>;
  /** The time of the earliest requested event, in ms since the epoch. */
  readonly since: number;
  /** Ends the session. */
  readonly stop: AbortSignal;
  /** The engine has listed its containers. */
  readonly onListed: () => void;
  /** The engine still answers. */
  readonly onBeat: () => void;
  readonly onLimit: OnLimit;
}

/** Sends one request with a time limit. */
type Ask = <T>(
  limit: 'ping' | 'inspect' | 'list',
  question: (client: EngineClient, signal: AbortSignal) => Promise<T>,
) => Promise<T>;

/** Runs one connection to an engine until it fails, and puts all names that it learns into the cache. */
export async function runSession({ place, stop, ...parts }: SessionOptions): Promise<never> {
  const client = await place.connect(parts.onLimit);
  const session = new AbortController();
  const end = (): void => session.abort();
  const { signal } = session;
  // Each call adds a listener. Without this, Node would warn of a leak.
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
  readonly #startedAt = Date.now();
  #listed: ReadonlySet<string> = new Set();

  constructor(client: EngineClient, signal: AbortSignal, parts: Omit<SessionOptions, 'place' | 'stop'>) {
    this.#client = client;
    this.#signal = signal;
    this.#parts = parts;
  }

  async run(): Promise<never> {
    await this.#ping();
    // Subscribe before requesting the list, so that no event between the two is missed.
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
    const { timings, since } = this.#parts;
    const limit = { ms: timings.ping, signal: this.#signal, what: 'events' };
    return inTime(async () => this.#client.events?.(since, this.#signal), limit);
  }

  async #takeAll(): Promise<void> {
    this.#takeList(await this.#ask('list', (engine, call) => engine.list(call)));
    this.#parts.inspections.begin((id) => this.#inspect(id));
  }

  #takeList({ containers, running: listedRunning, isComplete }: ContainerList): void {
    const { cache, inspections, running } = this.#parts;
    running.clear();
    for (const id of listedRunning) if (running.size < MOST_RUNNING) running.add(id);
    const listed = new Set<string>();
    for (const { id, names } of containers) {
      listed.add(id);
      cache.putBrief(id, names);
    }
    this.#listed = listed;
    if (isComplete) cache.forgetOthers((id) => listed.has(id) || inspections.isWanted(id));
  }

  async #inspect(id: string): Promise<void> {
    const { cache, inspections } = this.#parts;
    const { names } = await this.#ask('inspect', (engine, call) => engine.inspect(id, call));
    cache.put(id, names);
    // The container is gone by now. The cache keeps its names for a while, as its kills may still be exported.
    if (!inspections.isWanted(id)) cache.forget(id);
  }

  async #follow(events: AsyncIterable<EngineEvent>): Promise<never> {
    const { cache, inspections, running } = this.#parts;
    for await (const event of events) {
      const { id, kind, names } = event;
      const isPast = this.#isPast(event);
      // For a container in the list, the list is newer than past events.
      if (isPast && this.#listed.has(id)) continue;
      if (kind === 'started' && running.size < MOST_RUNNING) running.add(id);
      if (kind === 'ended' || kind === 'removed') running.delete(id);
      cache.putBrief(id, names);
      if (!inspections.isWanted(id)) {
        if (kind === 'removed') cache.forget(id);
      } else if (kind !== 'ended' && !isPast) inspections.again(id);
    }
    throw new Error('The stream of events ended');
  }

  /** Whether an event happened before this session. */
  #isPast({ at }: EngineEvent): boolean {
    return at !== undefined && at + EVENT_TIME_STEP_MS <= this.#startedAt;
  }

  /** Requests the list repeatedly, if the engine has no events. */
  async #takeAgain(): Promise<never> {
    for (;;) {
      await this.#sleep(this.#parts.timings.listAgain);
      await this.#takeAll();
    }
  }

  /** An engine that hangs keeps its connections open and sends nothing. */
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
