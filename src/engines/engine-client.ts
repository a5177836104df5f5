import type { Names } from '../container.ts';

/** What an engine says of one container. */
export interface Named {
  readonly id: string;
  readonly names: Names;
}

/** What an event is about. */
export interface EngineEvent extends Named {
  /** The container is no more, and not even the engine knows it. */
  readonly isEnd: boolean;
}

/**
 * One kind of engine, asked by its own API. Each call is one question; aborting its signal ends it, at any time. What an
 * answer says is not trusted to be what it should: it is cut to a size, and fields of a wrong type are as good as absent.
 */
export interface EngineClient {
  /** @throws Error if it does not answer, {@link UnsupportedApi} if what answers is no such engine. */
  ping(signal: AbortSignal): Promise<void>;
  /** All containers; it can be less than what `inspect` says of each. */
  list(signal: AbortSignal): Promise<readonly Named[]>;
  /** @throws Error if it does not know the container (yet). */
  inspect(id: string, signal: AbortSignal): Promise<Named>;
  /**
   * Subscribes to what happens to containers; the promise is kept as soon as nothing is missed any more. Left out where
   * names never change.
   */
  events?(signal: AbortSignal): Promise<AsyncIterable<EngineEvent>>;
}

/** Where an engine listens. */
export interface EnginePlace {
  /** Looked at before every attempt to connect. */
  readonly socketPath: string | undefined;
  /** Makes ready to ask. It can be called again and again. */
  connect(): Promise<EngineClient>;
  /** Lets go of what `connect` holds. */
  close(): void;
}

/** There is no such engine behind a socket that belongs to something else, or that is not for us. */
export class UnsupportedApi extends Error {}

/** Longer than any name that means something. */
const LONGEST = 1_000;

/** A field of something that may be anything. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** A text that is not empty, cut where it is too long to mean anything. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, LONGEST) : undefined;
}

/** Names without those that are not known; `undefined` without an id. */
export function named(id: unknown, names: { [K in keyof Names]: Names[K] | undefined }): Named | undefined {
  if (typeof id !== 'string' || id === '' || id.length > LONGEST) return undefined;
  return { id, names: Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined)) };
}
