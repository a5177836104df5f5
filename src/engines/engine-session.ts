import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SteadyClock } from '../kernel/steady-clock.ts';
import type { ContainerLives } from './container-lives.ts';
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
  readonly lives: ContainerLives;
  /** Of containers that have ended. */
  readonly lastInspections: Inspections;
  /** The ids of the containers that the engine reports as running. */
  readonly running: Set<string>;
  /** The time of the earliest requested event, in ms since the epoch. */
  readonly since: number;
  /** Ends the session. */
  readonly stop: AbortSignal;
  /** The engine has listed its containers. */
  readonly onListed: () => void;
  /** Whether the last list of containers had all. */
  readonly onListTaken: (isComplete: boolean) => void;
  /** The engine has listed the containers that have ended: all are of this engine. */
  readonly onEndedListed: (engine: string) => void;
  /** The engine has not listed them. It answers otherwise. */
  readonly onEndedUnknown: (error: unknown) => void;
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
    parts.lastInspections.pause();
    parts.lives.loseHealth();
    end();
    stop.removeEventListener('abort', end);
  }
}

class Session {
  readonly #client: EngineClient;
  readonly #signal: AbortSignal;
  readonly #parts: Omit<SessionOptions, 'place' | 'stop'>;
  readonly #clock = new SteadyClock();
  /** In seconds since boot: the clock of the events can be set. */
  readonly #startedAt = this.#clock.now();
  #listed: ReadonlySet<string> = new Set();

  constructor(client: EngineClient, signal: AbortSignal, parts: Omit<SessionOptions, 'place' | 'stop'>) {
    this.#client = client;
    this.#signal = signal;
    this.#parts = parts;
  }

  async run(): Promise<never> {
    const endedBefore = this.#parts.lives.ended();
    await this.#ping();
    // Subscribe before requesting the list, so that no event between the two is missed.
    const events = await this.#subscribe();
    await this.#takeAll();
    this.#parts.onListed();
    this.#inspectAgain();
    await this.#takeEnded();
    // Meanwhile it may have been started and have ended again.
    for (const { id } of endedBefore) this.#parts.lastInspections.renew(id);
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

  /** Names do not depend on the containers that have ended, so a failure is not one of the session, if the engine answers otherwise. */
  async #takeEnded(): Promise<void> {
    const { lives, lastInspections, onEndedListed } = this.#parts;
    try {
      const { engine, containers, isComplete } = await this.#ask('list', (client, call) => client.ended(call));
      lives.listEnded(containers, isComplete);
      onEndedListed(engine);
      for (const { id } of containers) if (lives.isEnded(id)) lastInspections.want(id);
      lastInspections.begin((id) => this.#inspectEnded(id));
    } catch (error) {
      await this.#ping();
      this.#parts.onEndedUnknown(error);
    }
  }

  /** What an engine says about the lives of containers may have changed while it was not asked. */
  #inspectAgain(): void {
    const { lives, inspections } = this.#parts;
    for (const id of this.#listed) if (lives.get(id) !== undefined) inspections.renew(id);
  }

  #takeList({ containers, running: listedRunning, isComplete }: ContainerList): void {
    const { cache, inspections, lives, running, onListTaken } = this.#parts;
    onListTaken(isComplete);
    running.clear();
    for (const id of listedRunning) {
      if (running.size < MOST_RUNNING) running.add(id);
      lives.start(id);
    }
    const listed = new Set<string>();
    for (const { id, names } of containers) {
      listed.add(id);
      cache.putBrief(id, names);
    }
    this.#listed = listed;
    if (isComplete) cache.forgetOthers((id) => listed.has(id) || inspections.isWanted(id));
  }

  async #inspect(id: string): Promise<void> {
    const { cache, inspections, lives } = this.#parts;
    const { names, life } = await this.#ask('inspect', (engine, call) => engine.inspect(id, call));
    cache.put(id, names);
    if (life !== undefined) lives.inspected(id, life);
    // The container is gone by now. The cache keeps its names for a while, as its kills may still be exported.
    if (inspections.isWanted(id)) return;
    cache.forget(id);
    lives.forget(id);
  }

  async #inspectEnded(id: string): Promise<void> {
    const { lives } = this.#parts;
    const { life: { restarts, exit } = {} } = await this.#ask('inspect', (engine, call) => engine.inspect(id, call));
    if (lives.isEnded(id)) lives.inspected(id, { restarts, exit });
  }

  async #follow(events: AsyncIterable<EngineEvent>): Promise<never> {
    const { cache, inspections, running } = this.#parts;
    for await (const event of events) {
      const { id, kind, names } = event;
      const isPast = this.#isPast(event);
      if (isPast) this.#tookPlace(event);
      // For a container in the list, the list is newer than past events.
      if (isPast && this.#listed.has(id)) continue;
      if (kind === 'started' && running.size < MOST_RUNNING) running.add(id);
      if (kind === 'ended' || kind === 'removed') running.delete(id);
      cache.putBrief(id, names);
      if (!isPast) this.#live(event);
      if (!inspections.isWanted(id)) {
        if (kind === 'removed') cache.forget(id);
      } else if (kind !== 'ended' && !isPast && event.health === undefined) inspections.again(id);
    }
    throw new Error('The stream of events ended');
  }

  /** A past event says how a container ended that runs again. Those that have ended are listed. */
  #tookPlace({ id, kind, exit }: EngineEvent): void {
    if (kind === 'ended' && exit !== undefined && this.#listed.has(id)) this.#parts.lives.ranAgain(id, exit);
  }

  #live({ id, kind, names, exit, health }: EngineEvent): void {
    const { cache, lives, lastInspections } = this.#parts;
    if (health !== undefined) lives.checked(id, health);
    if (kind === 'ended') {
      lives.end(id, cache.get(id) ?? names, exit);
      lastInspections.wantAgain(id);
    } else if (kind === 'started') lives.start(id);
    else if (kind === 'removed') lives.remove(id);
    // It may never start, for example because its command does not exist.
    else if (kind === 'created' && names.shouldRun === true) lives.end(id, names, undefined);
    else if (kind === 'changed' && lives.isEnded(id)) {
      lives.rename(id, names);
      lastInspections.wantAgain(id);
    }
  }

  /** Whether an event happened before this session. */
  #isPast({ at }: EngineEvent): boolean {
    return at !== undefined && at + EVENT_TIME_STEP_MS <= this.#clock.toWall()(this.#startedAt) * 1_000;
  }

  /** Requests the list repeatedly, if the engine has no events. */
  async #takeAgain(): Promise<never> {
    for (;;) {
      await this.#sleep(this.#parts.timings.listAgain);
      await this.#takeAll();
      await this.#takeEnded();
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
