import type { Collector } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { isDenied } from '../kernel/errno.ts';
import type { Log } from '../log.ts';

/** Logs once when a collector starts to fail, and once when it works again, rather than in every scrape. */
export class Failures {
  readonly #log: Log;
  readonly #failing = new Set<string>();
  #unreadable = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** A collector failed. `container` is the first container for which it failed. */
  failed(collector: Collector, error: unknown, container: Container | undefined): void {
    if (this.#failing.has(collector.name)) return;
    this.#failing.add(collector.name);
    const remedy = isDenied(error) ? (collector.remedy ?? 'run as root with CAP_DAC_READ_SEARCH') : undefined;
    this.#log.warn(
      { collector: collector.name, cgroup: container?.cgroup.path, error, remedy },
      remedy === undefined ? 'collector failed' : 'collector lacks permission; its metrics are missing',
    );
  }

  /** The first container whose cgroup is gone although discovery still lists it; `undefined` if there is none. */
  unreadable(first: Container | undefined): void {
    if (this.#unreadable === (first !== undefined)) return;
    this.#unreadable = first !== undefined;
    if (first === undefined) this.#log.info({}, 'all container cgroups are readable again');
    else this.#log.warn({ cgroup: first.cgroup.path }, 'cgroup of a listed container is missing');
  }

  /** A collector worked for all containers. */
  succeeded(collector: Collector): void {
    if (this.#failing.delete(collector.name)) this.#log.info({ collector: collector.name }, 'collector works again');
  }
}
