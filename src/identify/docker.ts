import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Names } from '../container.ts';
import type { Log } from '../log.ts';
import { containerOfEvent, idsFromList, namesFromInspect } from './engine-names.ts';
import type { NameSource } from './name-source.ts';

/** Where an engine listens. */
export type EngineAddress =
  | { readonly socketPath: string }
  | { readonly protocol: 'http' | 'https'; readonly host: string; readonly port: number };

export interface EngineOptions {
  readonly name: string;
  readonly engines: ReadonlySet<string>;
  readonly address: EngineAddress;
  /** Nobody asked for it by name, so that it is not there is no failure. */
  readonly isDefault: boolean;
  readonly log: Log;
  readonly timings?: Partial<Timings>;
}

/** In ms. */
interface Timings {
  readonly call: number;
  readonly heartbeat: number;
  readonly lookForSocket: number;
  readonly longestBackOff: number;
  readonly keepForgotten: number;
}

const TIMINGS: Timings = {
  call: 2_000,
  heartbeat: 5_000,
  lookForSocket: 2_000,
  longestBackOff: 15_000,
  keepForgotten: 60_000,
};

/** How many containers are inspected at a time. */
const PARALLEL_INSPECTIONS = 4;

/** An event stream without a newline for so long is garbage. */
const LONGEST_EVENT = 1_000_000;

/** Actions after which a container's names may be others. */
const RENAMING: ReadonlySet<string> = new Set(['create', 'start', 'rename', 'update']);

/**
 * Names from an engine with Docker's API (Docker, Podman). It connects when the engine is there, and again for ever when
 * it goes; meanwhile it answers from what it knew.
 */
export function nameContainersBy(options: EngineOptions): NameSource {
  const source = new EngineNames(options);
  source.start();
  return source;
}

class EngineNames implements NameSource {
  readonly name: string;
  readonly engines: ReadonlySet<string>;
  up: boolean | undefined;
  readonly #options: EngineOptions;
  readonly #timings: Timings;
  readonly #stop = new AbortController();
  readonly #names = new Map<string, Names>();
  readonly #wanted = new Set<string>();
  readonly #queue = new Set<string>();
  readonly #forgetting = new Map<string, NodeJS.Timeout>();
  #engine: Docker | undefined;
  #inspecting = 0;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: EngineOptions) {
    this.name = options.name;
    this.engines = options.engines;
    this.up = options.isDefault ? undefined : false;
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
  }

  start(): void {
    this.#ended = this.#connectForEver().catch(() => {});
  }

  namesOf(id: string): Names | undefined {
    return this.#names.get(id);
  }

  want(id: string): void {
    clearTimeout(this.#forgetting.get(id));
    this.#forgetting.delete(id);
    this.#wanted.add(id);
    if (!this.#names.has(id)) this.#enqueue(id);
  }

  forget(id: string): void {
    this.#wanted.delete(id);
    this.#queue.delete(id);
    // A restarted container is back in a moment.
    const timer = setTimeout(() => {
      this.#forgetting.delete(id);
      this.#names.delete(id);
    }, this.#timings.keepForgotten).unref();
    clearTimeout(this.#forgetting.get(id));
    this.#forgetting.set(id, timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#forgetting.values()) clearTimeout(timer);
    await this.#ended;
  }

  async #connectForEver(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      if (!this.#mayBeThere()) {
        await sleep(this.#timings.lookForSocket, undefined, { signal, ref: false });
        continue;
      }
      this.up ??= false;
      try {
        await this.#connected(() => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        if (this.up || failures === 0)
          this.#options.log.warn({ engine: this.name, error }, 'engine does not answer; its names are as last known');
      }
      this.up = false;
      this.#engine = undefined;
      failures += 1;
      const backOff = Math.min(this.#timings.longestBackOff, 250 * 2 ** Math.min(failures, 10));
      await sleep(backOff * (0.5 + Math.random() / 2), undefined, { signal, ref: false });
    }
  }

  #mayBeThere(): boolean {
    const { address } = this.#options;
    return !('socketPath' in address) || existsSync(address.socketPath);
  }

  /** One connection, from its first call to its end, which is always an error. */
  async #connected(onUp: () => void): Promise<void> {
    // Two thirds of all that the exporter depends on come with it: only where there is an engine.
    const { default: Client } = await import('dockerode');
    // A call that gets no byte for so long is ended; the stream of events may be silent for days.
    const engine: Docker = new Client({ ...this.#options.address, timeout: this.#timings.call });
    const streaming: Docker = new Client({ ...this.#options.address });
    const connection = new AbortController();
    const signal = AbortSignal.any([connection.signal, this.#stop.signal]);
    try {
      await this.#call(() => engine.ping(), signal);
      const filters = { type: ['container' as const] };
      const events = await this.#call(() => streaming.getEvents({ abortSignal: signal, filters }), signal);
      const ended = this.#follow(events);
      const list = idsFromList(await this.#call(() => engine.listContainers(), signal));
      this.#engine = engine;
      this.up = true;
      onUp();
      this.#options.log.info({ engine: this.name, containers: list.length }, 'engine gives names');
      for (const id of this.#wanted) this.#enqueue(id);
      await Promise.race([ended, this.#beat(engine, signal)]);
    } finally {
      connection.abort();
    }
  }

  /** An engine that hangs keeps its connections open and says nothing. */
  async #beat(engine: Docker, signal: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(this.#timings.heartbeat, undefined, { signal, ref: false });
      await this.#call(() => engine.ping(), signal);
    }
  }

  async #follow(events: NodeJS.ReadableStream): Promise<never> {
    let rest = '';
    for await (const chunk of events) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_EVENT) throw new Error('The event stream is no list of lines');
      for (const line of lines) this.#onEvent(line);
    }
    throw new Error('The event stream ended');
  }

  #onEvent(line: string): void {
    const event = containerOfEvent(line);
    if (event !== undefined && RENAMING.has(event.action) && this.#wanted.has(event.id)) this.#enqueue(event.id);
  }

  #enqueue(id: string): void {
    this.#queue.add(id);
    while (this.#engine !== undefined && this.#inspecting < PARALLEL_INSPECTIONS && this.#queue.size > 0) {
      this.#inspecting += 1;
      void this.#inspectQueued(this.#engine).finally(() => {
        this.#inspecting -= 1;
      });
    }
  }

  async #inspectQueued(engine: Docker): Promise<void> {
    for (const id of this.#queue) {
      this.#queue.delete(id);
      try {
        const answer = await this.#call(() => engine.getContainer(id).inspect(), this.#stop.signal);
        const names = namesFromInspect(answer);
        if (this.#wanted.has(id) && JSON.stringify(names) !== JSON.stringify(this.#names.get(id))) {
          this.#names.set(id, names);
        }
      } catch (error) {
        // Not this engine's, or not registered yet: then an event will tell. A lost engine is for the heartbeat to find.
        this.#options.log.debug({ engine: this.name, id, error }, 'cannot inspect');
        if (this.#engine !== engine) return;
      }
    }
  }

  /** Calls the engine; rejects when it does not answer in time. */
  async #call<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const timeout = AbortSignal.timeout(this.#timings.call);
    const either = AbortSignal.any([timeout, signal]);
    let onAbort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = (): void =>
        reject(timeout.aborted ? new Error(`No answer within ${this.#timings.call} ms`) : new Error('Stopped'));
      either.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([call(), aborted]);
    } finally {
      either.removeEventListener('abort', onAbort);
    }
  }
}
