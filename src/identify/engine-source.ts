import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Names } from '../container.ts';
import type { Log } from '../log.ts';
import { type EngineAnswer, type EngineApi, inTime, linesOfAnswer, textOfAnswer } from './engine-api.ts';
import { namedByEvent, namedByInspect, namedByList } from './engine-names.ts';
import { Inspections } from './inspections.ts';
import { NameCache } from './name-cache.ts';
import type { NameSource } from './name-source.ts';

export interface EngineOptions {
  readonly name: string;
  readonly engines: ReadonlySet<string>;
  /** Nobody asked for it by name, so that it is not there is no failure. */
  readonly isDefault: boolean;
  readonly log: Log;
  readonly timings?: Partial<Timings>;
  readonly connect: () => Promise<EngineApi>;
  /** Looked at before every attempt to connect. */
  readonly socketPath: string | undefined;
}

/** In ms. */
interface Timings {
  readonly ping: number;
  readonly inspect: number;
  /** With a thousand containers, on a busy host. */
  readonly list: number;
  readonly heartbeat: number;
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
  lookForSocket: 2_000,
  shortestBackOff: 250,
  longestBackOff: 15_000,
  keepForgotten: 60_000,
  inspectAgain: [100, 300, 1_000, 3_000, 10_000],
};

/** In bytes. A list has 1 or 2 kB for a container. */
const LONGEST = { ping: 1_000, inspect: 4_000_000, list: 64_000_000, event: 1_000_000 };

/** After these a container has names, or others; `destroy` ends them. */
const EVENTS = ['create', 'start', 'rename', 'update', 'destroy'];
const EVENTS_QUERY = { filters: { type: ['container'], event: EVENTS } };

/** Names from an engine with Docker's API, whoever speaks it. What the engine says is not trusted to be what it should. */
export class EngineSource implements NameSource {
  readonly name: string;
  readonly engines: ReadonlySet<string>;
  up: boolean | undefined;
  readonly #options: EngineOptions;
  readonly #timings: Timings;
  readonly #stop = new AbortController();
  readonly #cache: NameCache;
  readonly #inspections: Inspections;
  readonly #ended: Promise<void>;
  /** It has been said that the engine does not answer, and not since that it does. */
  #saidDown = false;

  constructor(options: EngineOptions) {
    this.name = options.name;
    this.engines = options.engines;
    this.up = options.isDefault ? undefined : false;
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#cache = new NameCache(this.#timings.keepForgotten);
    this.#inspections = new Inspections(this.#timings.inspectAgain, (id, error) =>
      options.log.debug({ source: this.name, id, error }, 'cannot ask the engine about a container'),
    );
    this.#ended = this.#connectForEver();
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
    await this.#ended;
    this.#inspections[Symbol.dispose]();
    this.#cache[Symbol.dispose]();
    this.up &&= false;
  }

  async #connectForEver(): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const { socketPath } = this.#options;
      if (socketPath !== undefined && !existsSync(socketPath)) {
        if (this.up !== undefined) this.#down(new Error(`There is no ${JSON.stringify(socketPath)}`));
        await this.#pause(this.#timings.lookForSocket);
        continue;
      }
      // From now on names may come, and new containers wait for them.
      this.up ??= false;
      const start = performance.now();
      const error = await this.#session().catch((reason: unknown) => reason);
      if (signal.aborted) return;
      this.#down(error);
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

  /** One connection, from its first call to its end, which is always an error. */
  async #session(): Promise<never> {
    const session = new AbortController();
    const stop = (): void => session.abort();
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    const { signal } = session;
    // Each call listens to it, and there is no leak in several at a time for Node to warn of.
    setMaxListeners(0, signal);
    try {
      const api = await this.#options.connect();
      const ask: Ask = (limit, path) => this.#ask(api, signal, limit, path);
      await ask('ping', '/_ping');
      // Before the list, so that nothing is missed between them. Engines send its head at once.
      const limit = { ms: this.#timings.ping, signal, what: 'events' };
      const events = await inTime(api.get('/events?', EVENTS_QUERY, signal), limit);
      const list = namedByList(JSON.parse(await ask('list', '/containers/json')));
      this.#takeList(list);
      this.#inspections.begin((id) => this.#inspect(ask, id));
      this.up = true;
      if (!this.#saidDown) this.#sayUp();
      return await Promise.race([this.#follow(events), this.#beat(ask, signal)]);
    } finally {
      this.#inspections.pause();
      session.abort();
      this.#stop.signal.removeEventListener('abort', stop);
    }
  }

  #takeList(list: ReturnType<typeof namedByList>): void {
    const listed = new Set<string>();
    for (const { id, names } of list) {
      listed.add(id);
      this.#cache.putBrief(id, names);
    }
    this.#cache.forgetOthers((id) => listed.has(id) || this.#inspections.isWanted(id));
  }

  async #inspect(ask: Ask, id: string): Promise<void> {
    const answer = namedByInspect(JSON.parse(await ask('inspect', `/containers/${encodeURIComponent(id)}/json`)));
    // Engines also answer to names and to the beginning of an id.
    if (answer?.id !== id) throw new Error('The answer is about another container');
    this.#cache.put(id, answer.names);
    // It went while it was asked about; it may still be told of.
    if (!this.#inspections.isWanted(id)) this.#cache.forget(id);
  }

  async #follow(events: EngineAnswer): Promise<never> {
    for await (const line of linesOfAnswer(events, LONGEST.event)) {
      const event = namedByEvent(line);
      if (event === undefined || !EVENTS.includes(event.action)) continue;
      const { id, action, names } = event;
      if (action !== 'destroy') this.#cache.putBrief(id, names);
      if (this.#inspections.isWanted(id)) this.#inspections.again(id);
      else if (action === 'destroy') this.#cache.forget(id);
    }
    throw new Error('The stream of events ended');
  }

  /** An engine that hangs keeps its connections open and says nothing. */
  async #beat(ask: Ask, signal: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(this.#timings.heartbeat, undefined, { signal, ref: false });
      await ask('ping', '/_ping');
      // One that goes again right after it has come is not worth a line each time.
      if (this.#saidDown) this.#sayUp();
    }
  }

  /** Asks for something that has an end, and gives up when that does not come in time. */
  async #ask(api: EngineApi, session: AbortSignal, limit: Limit, path: string): Promise<string> {
    const call = new AbortController();
    const stop = (): void => call.abort();
    session.addEventListener('abort', stop, { once: true });
    try {
      session.throwIfAborted();
      const answer = api.get(path, {}, call.signal).then((head) => textOfAnswer(head, LONGEST[limit]));
      return await inTime(answer, { ms: this.#timings[limit], signal: session, what: limit });
    } finally {
      stop();
      session.removeEventListener('abort', stop);
    }
  }

  #sayUp(): void {
    this.#saidDown = false;
    this.#options.log.info({ source: this.name }, 'engine gives names');
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

type Limit = 'ping' | 'inspect' | 'list';
type Ask = (limit: Limit, path: string) => Promise<string>;
