import type { CgroupMatch } from '../container.ts';
import { parentOf } from '../kernel/paths.ts';
import type { ProcessPlace } from './container-processes.ts';
import { type ContainerRecord, type CounterScope, unreportedKills } from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';

/** A margin above the resolution of the steady clock, in seconds: the kernel's log has more exact times of kills. */
export const CLOCK_SLACK_S = 0.05;

/** What is known of containers and their cgroups. */
export interface RecordFinderOptions {
  readonly records: ContainerRecords;
  readonly counters: CounterScope;
  /** Which container a cgroup is, or is inside of, by its path alone; `undefined` if that is uncertain. */
  readonly identify: (path: string) => (CgroupMatch & { readonly cgroup: string }) | undefined;
  /** The inode of the cgroup that is at a path now; `undefined` if there is none. */
  readonly inodeOf: (path: string) => number | undefined;
}

/**
 * Finds the record of the container that was at a path, or that a process was in, at the time of a kill. Creates one for a container
 * that discovery has not seen. Times are in seconds by the steady clock.
 */
export class RecordFinder {
  readonly #options: RecordFinderOptions;
  readonly #records: ContainerRecords;

  constructor(options: RecordFinderOptions) {
    this.#options = options;
    this.#records = options.records;
  }

  /** The innermost container that a process was seen in. Its record may have been dropped when it was removed. */
  seenAt({ container, cgroup }: ProcessPlace, at: number): ContainerRecord | undefined {
    const { path, inode, match } = container;
    const inner = cgroup === path ? undefined : this.of(cgroup, at);
    if (inner !== undefined && inner.path.length > path.length) return inner;
    const known = this.#records.allAt(path);
    // A report of the same event may have named the cgroup alone.
    const record = known.find((each) => each.inode === inode) ?? known.find((each) => each.inode === undefined);
    if (record === undefined) return this.#records.addEarlier({ match, path, inode, removedAt: at });
    record.inode = inode;
    return record;
  }

  /** The innermost container that a cgroup is, or is inside of. It may have come and gone before discovery saw it. */
  of(cgroup: string, at: number): ContainerRecord | undefined {
    const known = this.#records.innermostAt(cgroup);
    const match = this.#options.identify(cgroup);
    if (match === undefined || match.infra || match.cgroup.length <= (known?.path.length ?? 0)) {
      return known === undefined ? undefined : this.#current(known, at);
    }
    // The counter of the container around it has the kill, too.
    const outer = this.#records.innermostAt(parentOf(match.cgroup));
    if (outer !== undefined) this.latest(outer, at);
    return this.#records.addRemoved({ match, path: match.cgroup, inode: undefined, removedAt: at });
  }

  /** Whether a report from some time explains a kill that only a counter of a container has shown so far. */
  #isExplainedAt(record: ContainerRecord, at: number): boolean {
    const until = (record.removedAt ?? Infinity) + CLOCK_SLACK_S;
    return at <= until && unreportedKills(record, this.#options.counters) > 0;
  }

  /**
   * The record of the container that was at the path of a record at some time: the record itself, an earlier one, or a new one for the
   * container that has taken the path and that discovery has not seen yet.
   */
  #current(record: ContainerRecord, at: number): ContainerRecord {
    const explained = this.#records.allAt(record.path).find((each) => this.#isExplainedAt(each, at));
    return explained ?? this.latest(record, at);
  }

  /** The same for a record that no report from that time explains. */
  latest(record: ContainerRecord, at: number): ContainerRecord {
    const isOuterSame = record.outer === undefined || this.latest(record.outer, at) === record.outer;
    const inode = record.inode === undefined ? undefined : this.#options.inodeOf(record.path);
    if (isOuterSame && (inode === undefined || inode === record.inode)) return record;
    return this.#records.addRemoved({ match: record.match, path: record.path, inode, removedAt: at });
  }
}
