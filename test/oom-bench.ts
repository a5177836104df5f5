import type { CgroupMatch, ContainerCgroup, Labels } from '../src/container.ts';
import { Attribution } from '../src/oom/attribution.ts';
import type { ProcessPlace } from '../src/oom/container-processes.ts';
import type { CounterScope, KmsgKill, NamedLabels } from '../src/oom/container-record.ts';
import { ContainerRecords } from '../src/oom/container-records.ts';
import { KillTotals } from '../src/oom/kill-totals.ts';
import { Retention } from '../src/oom/retention.ts';

export const HOUR = 3600;

/** Attribution and retention with everything that they need, and containers at `/docker/<id>`. */
export class Bench {
  readonly names = new Map<string, string>();
  /** The containers whose names were requested from engines: `docker <id>`. */
  readonly wanted = new Set<string>();
  /** After this time a container without a name gets its id as a name. */
  patienceMs = 2_000;
  /** The inode at a path that discovery has not checked again. */
  readonly inodes = new Map<string, number>();
  readonly records = new ContainerRecords();
  readonly totals = new KillTotals();
  readonly attribution: Attribution;
  readonly retention: Retention;
  #inodes = 0;

  readonly #counters: CounterScope;

  constructor(counters: CounterScope) {
    this.#counters = counters;
    this.attribution = new Attribution({
      records: this.records,
      counters,
      identify: (path) => {
        const found = /^(.*\/docker\/(\w+))/.exec(path);
        return found === null ? undefined : { ...matchOf(found[2] ?? ''), cgroup: found[1] ?? '' };
      },
      discoveryPathOf: (logged) => logged,
      inodeOf: (path) => this.inodes.get(path),
      noticedAt: () => -Infinity,
      afterEvents: (callback) => callback(),
      certainSince: () => -Infinity,
    });
    this.retention = new Retention({
      records: this.records,
      totals: this.totals,
      names: {
        labelsOf: ({ id }, waitedMs) => {
          const name = this.names.get(id);
          if (name !== undefined) return { labels: labelsOf(name), named: true };
          return waitedMs < this.patienceMs ? undefined : { labels: labelsOf(id), named: false };
        },
        wantName: ({ engine, id }) => this.wanted.add(`${engine} ${id}`),
        forgetName: ({ engine, id }) => this.wanted.delete(`${engine} ${id}`),
      },
      isWaitingFor: (record) => this.attribution.isWaitingFor(record),
      drop: (record) => this.attribution.drop(record),
      retention: HOUR,
    });
  }

  appear(id: string, path = `/docker/${id}`, engine = 'docker'): ContainerCgroup {
    this.#inodes += 1;
    const cgroup = { path, inode: this.#inodes, match: { ...matchOf(id), engine }, seenAt: performance.now() };
    // The inventory requests the name first.
    this.wanted.add(`${engine} ${id}`);
    this.retention.appearing(cgroup);
    this.attribution.appeared(cgroup, 'started');
    return cgroup;
  }

  remove(cgroup: ContainerCgroup, at: number): void {
    this.wanted.delete(`${cgroup.match.engine} ${cgroup.match.id}`);
    const record = this.attribution.removed(cgroup, at);
    if (record !== undefined) this.retention.removed(record);
  }

  /** Sets the values of counters by path. The others stay unread. */
  count(counts: Readonly<Record<string, number>>, at: number | undefined): void {
    for (const record of this.records.live) {
      const own = Object.entries(counts).filter(([path]) => path === record.path || path.startsWith(`${record.path}#`));
      if (own.length === 0) continue;
      const kills = new Map(own.map(([path, count]) => [path.replace('#', ''), count]));
      const reading = { kills, groups: undefined };
      this.attribution.fromCounter(
        { record, reading, groupSetting: this.#counters === 'below' ? 'no' : undefined },
        at ?? 0,
      );
    }
    this.attribution.settle(at);
  }

  /** Makes the kernel's log report a kill, perhaps of a process that was seen in a container. */
  report(cgroup: string | undefined, at: number, seenIn?: ProcessPlace): void {
    this.attribution.fromKmsg(killIn(cgroup, at), seenIn);
    this.attribution.settle(at);
  }

  /** Kills, and the time of the last one, by name. */
  kills(): Record<string, readonly [kills: number | undefined, last: number | undefined]> {
    return Object.fromEntries(
      this.retention.counts('counters').map(({ labels, kills, lastKill }) => [labels.container, [kills, lastKill]]),
    );
  }
}

export const matchOf = (id: string): CgroupMatch => ({ engine: 'docker', id, infra: false });
export const labelsOf = (container: string): Labels => ({ engine: 'docker', namespace: '', pod: '', container });
export const named = (container: string): NamedLabels => ({ labels: labelsOf(container), named: true });

/** A kill that is a separate event. */
export function killIn(cgroup: string | undefined, at: number): KmsgKill {
  const nothing = { limitedBy: undefined, limit: undefined, constraint: undefined };
  const event = { group: undefined, isOver: true };
  return { time: 0, pid: 1, command: 'tail', uid: 0, cgroup, at, beforeStart: false, event, listed: [], ...nothing };
}
