import type { ContainerCgroup } from '../container.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import { type Counters, readHostKills, type Reading } from './counters.ts';
import type { Ledger } from './ledger.ts';
import type { ContainerRecord } from './container-record.ts';

/** How often the counters are read again if somebody was killed meanwhile. */
const MOST_TRIES = 5;

/**
 * Reads the counters of containers into the ledger, as they are at one moment: between two looks at the host's total with
 * the same result. As long as that stands still, only those that are new are read.
 */
export class CounterSnapshots {
  readonly #kernel: KernelFiles;
  readonly #counters: Counters | undefined;
  readonly #ledger: Ledger;
  readonly #onKilled: () => void;
  readonly #log: Pick<Log, 'warn'>;
  /** Containers whose counter was never looked at. */
  readonly #unread = new Set<ContainerCgroup>();
  #hostKills: number | undefined;
  #up = false;
  #saidDown = false;

  constructor(options: {
    readonly kernel: KernelFiles;
    /** `undefined`: there are none. */
    readonly counters: Counters | undefined;
    readonly ledger: Ledger;
    /** Somebody was killed while the counters were read: they are read once more. */
    readonly onKilled: () => void;
    readonly log: Pick<Log, 'warn'>;
  }) {
    this.#kernel = options.kernel;
    this.#counters = options.counters;
    this.#ledger = options.ledger;
    this.#onKilled = options.onKilled;
    this.#log = options.log;
  }

  /** Whether the host's total could be read when it was last to be. */
  get up(): boolean {
    return this.#up;
  }

  /** The host's total at the last snapshot; `undefined` before the first, and where the kernel has none. */
  get hostKills(): number | undefined {
    return this.#hostKills;
  }

  /** Whether anybody was killed on the host since the last snapshot. */
  get areOld(): boolean {
    const total = this.#readTotal();
    return total !== undefined && total !== this.#hostKills;
  }

  appeared(cgroup: ContainerCgroup): void {
    this.#unread.add(cgroup);
  }

  removed(cgroup: ContainerCgroup): void {
    this.#unread.delete(cgroup);
  }

  /**
   * Takes a snapshot.
   *
   * @returns how many were killed on the host since the last one; `undefined` if there were no two moments with the same
   *   total, as can be in a storm, or it can be read no more. The next snapshot makes up for it.
   */
  take(): number | undefined {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const before = this.#readTotal();
      if (before === undefined && this.#hostKills !== undefined) return undefined;
      const changed = before === undefined || before !== this.#hostKills;
      const lives = changed ? [...this.#ledger.living] : this.#ledger.livesOf(this.#unread);
      const readings = lives.map((life) => [life, this.#readOwn(life)] as const);
      const above = changed && this.#counters?.scope === 'below' ? this.#readAbove() : undefined;
      if (lives.length > 0 && this.#readTotal() !== before) {
        this.#onKilled();
        continue;
      }
      this.#settle(readings, above);
      this.#unread.clear();
      const killed = (before ?? 0) - (this.#hostKills ?? before ?? 0);
      this.#hostKills = before;
      return killed;
    }
    return undefined;
  }

  /** What keeps it from being read is said once, and keeps neither scrapes nor the daemon from going on. */
  #readTotal(): number | undefined {
    try {
      const total = readHostKills(this.#kernel);
      this.#up = total !== undefined;
      this.#saidDown = false;
      return total;
    } catch (error) {
      if (!this.#saidDown) this.#log.warn({ error }, 'cannot read the number of OOM kills on the host');
      this.#up = false;
      this.#saidDown = true;
      return undefined;
    }
  }

  #settle(
    readings: readonly (readonly [ContainerRecord, Reading])[],
    above: ReadonlyMap<string, number> | undefined,
  ): void {
    const now = Date.now() / 1000;
    for (const [life, reading] of readings) this.#ledger.counted(life, reading);
    // What was there at the first snapshot may have happened at any time.
    this.#ledger.settle(this.#hostKills === undefined ? undefined : now);
    if (above !== undefined) this.#ledger.settleParents(above, (path) => this.#counters?.childrenOf(path) ?? [], now);
  }

  /** Discovery may yet have to see that another container has taken the path, and then this is the other one's counter. */
  #readOwn(life: ContainerRecord): Reading {
    const reading = this.#read(life.path);
    return saysNews(life, reading) && this.#ledger.isReplaced(life) ? undefined : reading;
  }

  #readAbove(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const path of this.#ledger.parents()) {
      const reading = this.#read(path);
      const kills = reading instanceof Map ? reading.get(path) : undefined;
      if (typeof kills === 'number') found.set(path, kills);
    }
    return found;
  }

  #read(path: string): Reading {
    return this.#counters?.read(path, (inner) => this.#ledger.isContainer(inner));
  }
}

/** Whether a counter says anything else than when it was last read. */
function saysNews({ counts }: ContainerRecord, reading: Reading): boolean {
  return reading instanceof Map && [...reading].some(([path, kills]) => kills !== (counts.get(path)?.kernel ?? 0));
}
