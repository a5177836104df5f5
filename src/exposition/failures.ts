import type { Collector } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { isDenied } from '../kernel/errno.ts';
import type { Log } from '../log.ts';

/** Says once what a collector cannot read, and once that it can again: a scrape comes every few seconds. */
export class Failures {
  readonly #log: Log;
  readonly #failing = new Set<string>();
  #unreadable = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** A collector failed; `container` is the first one for which it did. */
  failed(collector: Collector, error: unknown, container: Container | undefined): void {
    if (this.#failing.has(collector.name)) return;
    this.#failing.add(collector.name);
    const remedy = isDenied(error) ? (collector.remedy ?? 'run as root with CAP_DAC_READ_SEARCH') : undefined;
    this.#log.warn(
      { collector: collector.name, cgroup: container?.cgroup.path, error, remedy },
      remedy === undefined ? 'collector failed' : 'collector may not read what it needs; the metrics are left out',
    );
  }

  /** Containers whose cgroups are gone though discovery still has them; `undefined`: none are. */
  unreadable(first: Container | undefined): void {
    if (this.#unreadable === (first !== undefined)) return;
    this.#unreadable = first !== undefined;
    if (first === undefined) this.#log.info({}, 'the cgroups of all containers can be read again');
    else this.#log.warn({ cgroup: first.cgroup.path }, 'cannot find the cgroup of a container that is still listed');
  }

  /** A collector worked for all containers. */
  succeeded(collector: Collector): void {
    if (this.#failing.delete(collector.name)) this.#log.info({ collector: collector.name }, 'collector works again');
  }
}
