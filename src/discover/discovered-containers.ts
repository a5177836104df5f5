import type { ContainerCgroup } from '../container.ts';
import type { Lifecycle } from './container-set.ts';

/** The existing containers, kept up to date until disposed. */
export interface DiscoveredContainers extends AsyncDisposable {
  /** The containers by cgroup path, without an engine's own cgroups (`match.infra`). */
  readonly containers: ReadonlyMap<string, ContainerCgroup>;
  /**
   * By engine: containers started and removed since the daemon started. Containers that existed before do not count as started,
   * but count when removed. One whose engine is a guess counts when the engine is known, or after a minute. Containers too short-lived for {@link containers} count as both.
   */
  readonly lifecycle: ReadonlyMap<string, Lifecycle>;
  /**
   * Whether the kernel reports every container that appears or disappears. If not (a watch was refused, events were lost), walks
   * every second find containers that live long enough.
   */
  readonly watchUp: boolean;
  /**
   * Whether the last walk found the hierarchy and could read every cgroup. A cgroup whose name is not UTF-8 cannot be read. Cgroups that a
   * container creates inside itself do not count.
   */
  readonly walkComplete: boolean;
  /**
   * The cgroup around this one in which somebody other than the host's root creates cgroups, with any names: a container, or a user's;
   * `undefined`: there is none.
   */
  territoryOf(path: string): string | undefined;
  /** Walks the whole hierarchy now. */
  walkNow(): void;
  /** Runs `callback` once all events that the kernel has reported so far are handled. */
  afterEvents(callback: () => void): void;
  /**
   * Since when each directory that appears directly in a directory, or is removed, has an event, in ms of `performance.now()`;
   * `undefined`: some may have none.
   */
  certainSince(path: string): number | undefined;
}
