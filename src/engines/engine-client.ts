import { createHash } from 'node:crypto';
import type { Exit, HealthStatus, Life, Names } from '../container.ts';

/** The names that an engine gives one container. */
export interface Named {
  readonly id: string;
  readonly names: Names;
}

/** What an engine says about one container when it is asked for it. */
export interface Inspected extends Named {
  readonly life?: Life;
}

/** The containers that have ended and that an engine still keeps, and those that should run by their label and were never started. */
export interface EndedList {
  /** The engine of all of them, as in the label `engine`. */
  readonly engine: string;
  /** The newest first. */
  readonly containers: readonly Named[];
  /** `false` if the list was longer than a limit. */
  readonly isComplete: boolean;
}

/** An engine's list of its containers. */
export interface ContainerList {
  readonly containers: readonly Named[];
  /** The ids of running containers, also of paused ones. */
  readonly running: ReadonlySet<string>;
  /** `false` if the list was longer than a limit: a container that is not in it may still exist. */
  readonly isComplete: boolean;
}

/** Limits on an engine's use of resources. Work beyond a limit is skipped or postponed. */
export const ENGINE_LIMITS = ['value_size', 'list_size', 'inspection_rate', 'ended_containers'] as const;
export type EngineLimit = (typeof ENGINE_LIMITS)[number];

/** Counts each time that a limit was reached. */
export type OnLimit = (limit: EngineLimit) => void;

/** Something that happened to a container. */
export interface EngineEvent extends Named {
  /**
   * `created`: it does not run yet; `started`: it runs; `changed`: the engine may have new names; `checked`: its health check has a new result; `ended`: it has
   * exited; `removed`: the engine no longer knows it.
   */
  readonly kind: 'created' | 'started' | 'changed' | 'checked' | 'ended' | 'removed';
  /** How it ended, as far as the event says. */
  readonly exit?: Exit | undefined;
  /** What its health check found; `undefined` if the event does not say. */
  readonly health?: HealthStatus | undefined;
  /** Wall-clock time in ms since the epoch; `undefined` if the engine does not say. */
  readonly at: number | undefined;
}

/**
 * A client for the API of one kind of engine. Each call is one request; aborting its signal ends it at any time.
 * Answers are not trusted: their size is limited, and a field of a wrong type counts as absent.
 */
export interface EngineClient {
  /** @throws Error if it does not answer, {@link UnsupportedApi} if the service on the socket is no such engine. */
  ping(signal: AbortSignal): Promise<void>;
  /** All containers, with less detail than `inspect`. */
  list(signal: AbortSignal): Promise<ContainerList>;
  /** @throws Error if it does not know the container (yet). */
  inspect(id: string, signal: AbortSignal): Promise<Inspected>;
  /** See {@link EndedList}. */
  ended(signal: AbortSignal): Promise<EndedList>;
  /**
   * Subscribes to events: first those since a time that the engine still remembers, then new ones as they happen. Resolves
   * once no new event can be missed. Absent where names never change.
   *
   * @param since wall-clock time in ms since the epoch.
   */
  events?(since: number, signal: AbortSignal): Promise<AsyncIterable<EngineEvent>>;
}

/** Where an engine listens. */
export interface EnginePlace {
  /** Checked before every attempt to connect. */
  readonly socketPath: string | undefined;
  /** Prepares requests. Can be called again and again. */
  connect(onLimit: OnLimit): Promise<EngineClient>;
  /** Releases what `connect` holds. */
  close(): void;
}

/** The error for a socket that belongs to something other than such an engine, or that this user may not connect to. */
export class UnsupportedApi extends Error {}

/** The maximum length of a name, in characters. No real name is longer. */
const LONGEST = 1_000;

/** The number of hash digits at the end of a name that was cut. The hash keeps two cut names distinct. */
const HASH_DIGITS = 12;

/** Reads a field of a value of any type. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** Reads a text that is not empty. Cuts it if it is too long. */
export function text(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  if (value.length <= LONGEST) return value;
  const hash = createHash('sha256').update(value).digest('hex').slice(0, HASH_DIGITS);
  const cut = `${value.slice(0, LONGEST - HASH_DIGITS - 1)}~${hash}`;
  // Copy the text: V8 keeps the whole original string in memory while a slice of it is used.
  return Buffer.from(cut).toString('utf8');
}

/** Removes unknown names; `undefined` without an id. */
export function named(id: unknown, names: { [K in keyof Names]: Names[K] | undefined }): Named | undefined {
  if (typeof id !== 'string' || id === '' || id.length > LONGEST) return undefined;
  return { id, names: Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined)) };
}
