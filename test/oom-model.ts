import { join } from 'node:path';
import { vi } from 'vitest';
import type { ContainerCgroup } from '../src/container.ts';
import { KernelFiles } from '../src/kernel/kernel-files.ts';
import { SteadyClock } from '../src/kernel/steady-clock.ts';
import { KernelLog } from '../src/oom/kernel-log.ts';
import { KillTracker } from '../src/oom/kill-tracker.ts';
import { entriesOf, stateIn, stateOf } from '../src/oom/state.ts';
import { labelsOf, matchOf } from './oom-bench.ts';
import { idOf, OomWorld } from './oom-world.ts';

const BOOT = { id: 'boot', time: 1e9 };

/** One run of the exporter, from its start to its end or its SIGKILL. */
interface Run {
  readonly tracker: KillTracker;
  readonly log: KernelLog | undefined;
  /** The containers that discovery knows, by path. */
  readonly known: Map<string, ContainerCgroup>;
  /** Events about each path that discovery has handled, less the changes that it has noticed. */
  readonly balance: Map<string, number>;
  /** How many of the kernel's events discovery has handled. */
  handled: number;
  /** What must wait for events. */
  readonly waiting: { readonly until: number; readonly callback: () => void }[];
}

/** The counts of the exporter after the last kill. */
interface Outcome {
  /** Kills that the exporter counts in each container, in excess of the kernel. */
  readonly doubled: Readonly<Record<string, number>>;
  /** All kills that the exporter exports, less those of the kernel. */
  readonly excess: number;
  readonly unattributed: number | undefined;
}

/** The exporter's part that counts OOM kills, on a kernel that is a model of the real one, and whose time stands still. */
export class OomModel implements Disposable {
  readonly world: OomWorld;
  readonly #hasLog: boolean;
  #run: Run;
  #saved: ReadonlyMap<string, string> | undefined;

  constructor({ hasLog, version }: { readonly hasLog: boolean; readonly version: 1 | 2 }) {
    this.world = new OomWorld(version);
    this.#hasLog = hasLog;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.spyOn(performance, 'now').mockImplementation(() => this.world.now);
    vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => BigInt(Math.round(this.world.now * 1e6)));
    this.#run = this.#start();
  }

  /** Discovery handles some of the events of cgroups. */
  notice(events: number): void {
    const run = this.#run;
    const end = Math.min(this.world.events.length, run.handled + events);
    while (run.handled < end) {
      const path = this.world.events[run.handled] ?? '';
      run.handled += 1;
      if (idOf(path) !== undefined) this.#handle(run, path);
    }
    while ((run.waiting[0]?.until ?? Infinity) <= run.handled) run.waiting.shift()?.callback();
  }

  poll(): void {
    this.#run.tracker.updateIfChanged();
  }

  scrape(): Outcome {
    const { tracker, known } = this.#run;
    for (const cgroup of known.values()) tracker.name(cgroup, { labels: labelsOf(cgroup.match.id), named: true });
    tracker.showOnly(new Set(known.values()));
    tracker.update();
    return this.#outcome();
  }

  /** Saves the state, as the exporter does after an update. */
  save(): void {
    const { tracker, log } = this.#run;
    const { records, totals } = tracker;
    this.#saved = entriesOf(
      stateOf({
        boot: BOOT,
        kmsg: log?.last,
        savedAt: this.world.now / 1000,
        expiredKills: totals.expiredKills,
        totals: totals.archived,
        records: records.all(),
      }),
    );
  }

  /** SIGKILL, and a new start from the state that was saved last. */
  restart(): void {
    this.#run.tracker[Symbol.dispose]();
    this.#run = this.#start();
  }

  pass(ms: number): void {
    this.world.now += ms;
    vi.advanceTimersByTime(ms);
  }

  /** Waits until nothing changes any more. */
  settle(): Outcome {
    for (let round = 0; round < 8; round += 1) {
      this.notice(Infinity);
      this.poll();
      this.scrape();
      this.pass(2_000);
    }
    return this.scrape();
  }

  [Symbol.dispose](): void {
    this.#run.tracker[Symbol.dispose]();
    this.world[Symbol.dispose]();
    vi.restoreAllMocks();
    vi.useRealTimers();
  }

  #start(): Run {
    const { world } = this;
    const hierarchy = {
      root: join(world.root, 'cgroup'),
      mountRoot: '/',
      version: world.version,
      controllers: ['memory'],
    };
    const layout = {
      version: world.version === 1 ? ('v1' as const) : ('v2' as const),
      hierarchies: [hierarchy],
      discovery: hierarchy,
      unified: world.version === 1 ? undefined : hierarchy,
      hierarchyOf: () => hierarchy,
    };
    const clock = new SteadyClock({ steady: () => world.now / 1000, wall: () => 1e9 + world.now / 1000 });
    const waiting: Run['waiting'] = [];
    const tracker = new KillTracker({
      kernel: new KernelFiles({ procRoot: join(world.root, 'proc'), layout, descriptorBudget: 0 }),
      log: { debug() {}, info() {}, warn() {}, error() {} },
      identify: (path) => {
        const found = /^(.*\/docker\/(\w+))/.exec(path);
        return found === null ? undefined : { ...matchOf(found[2] ?? ''), cgroup: found[1] ?? '' };
      },
      names: { labelsOf: ({ id }) => ({ labels: labelsOf(id), named: true }), wantName() {}, forgetName() {} },
      retention: 86_400_000,
      clock,
      afterEvents: (callback) => void waiting.push({ until: world.events.length, callback }),
      certainSince: () => -Infinity,
    });
    const saved = this.#saved === undefined ? undefined : stateIn(parsed(this.#saved));
    if (saved !== undefined) {
      tracker.totals.restore(saved.expiredKills, saved.totals);
      tracker.retention.restore(saved.records, clock.now());
    }
    tracker.restored();
    const log = this.#hasLog
      ? new KernelLog({
          path: 'kmsg',
          after: saved?.kmsg,
          now: () => clock.now(),
          onFailed: (error) => {
            throw error;
          },
          open: () => world.openLog(),
        })
      : undefined;
    if (log !== undefined) tracker.follow(log);
    const run = { tracker, log, known: new Map(), balance: new Map(), handled: world.events.length, waiting };
    for (const path of world.containers) this.#appeared(run, path, world.inodeOf(path) ?? NaN, 'found');
    tracker.update();
    return run;
  }

  #handle(run: Run, path: string): void {
    const { tracker, known, balance } = run;
    balance.set(path, (balance.get(path) ?? 0) + 1);
    const noticed = (): unknown => balance.set(path, (balance.get(path) ?? 0) - 1);
    const before = known.get(path);
    const inode = this.world.inodeOf(path);
    if (before !== undefined && before.inode !== inode) {
      noticed();
      known.delete(path);
      tracker.removed(before);
    }
    if (inode !== undefined && before?.inode !== inode) {
      noticed();
      this.#appeared(run, path, inode, 'started');
    }
    const left = balance.get(path) ?? 0;
    if (left < 2) return;
    balance.set(path, left - 2);
    tracker.unseen(path);
  }

  #appeared({ tracker, known }: Run, path: string, inode: number, when: 'found' | 'started'): void {
    const cgroup = {
      path,
      inode,
      match: matchOf(idOf(path) ?? ''),
      seenAt: this.world.now,
    };
    known.set(path, cgroup);
    tracker.appeared(cgroup, when);
  }

  #outcome(): Outcome {
    const { accounts, host, unattributed } = this.#run.tracker.counts();
    // A kill in a container inside another one that the exporter does not know is a kill in the outer one.
    const found = new Map<string, number>();
    for (const { labels, kills = 0 } of accounts) {
      for (const id of this.world.around.get(labels.container) ?? [labels.container])
        found.set(id, (found.get(id) ?? 0) + kills);
    }
    const doubled: Record<string, number> = {};
    for (const [id, kills] of found) {
      const excess = kills - (this.world.truth.get(id) ?? 0);
      if (excess > 0) doubled[id] = excess;
    }
    return { doubled, excess: (host ?? 0) - this.world.hostKills, unattributed };
  }
}

function parsed(entries: ReadonlyMap<string, string>): ReadonlyMap<string, unknown> {
  return new Map(Array.from(entries, ([key, text]) => [key, JSON.parse(text) as unknown]));
}
