import { type CommandLineOwner, type CommandLines, PENDING } from '../kernel/command-lines.ts';
import { Makers } from '../makers.ts';
import type { PathProbes } from './path-probes.ts';

/** The maximum length of a command line, in bytes. The program's name and a shim's first flags come before this. */
const LONGEST = 1024;

/** The age in ms beyond which an answer is used once more and then refreshed: a process can become another program. */
const FRESH_MS = 20_000;

/** One that was not refreshed for this long, in ms, is of a process that has ended, or that nobody asks about. */
const UNUSED_MS = 600_000;

/** The maximum number of cached command lines; 4 MB. Beyond this the cgroup with the most loses its oldest. */
const MOST = 4096;

interface Known {
  readonly start: number;
  readonly text: string | undefined;
  /** The cgroup whose look-up was not answered. It may be another look-up of that cgroup that hangs, which says nothing to others. */
  readonly unansweredFor: string | undefined;
  /** When the answer arrived, in ms of `performance.now()`. */
  readonly at: number;
}

/** Command lines that a probe process reads, cached while they are used. */
export class ProbedCommandLines implements CommandLines {
  readonly #probes: PathProbes;
  readonly #procRoot: string;
  /** By pid, the earliest answer first. */
  readonly #known = new Map<number, Known>();
  readonly #byCgroup = new Makers<number>();
  readonly #asked = new Map<number, Promise<void>>();
  #pending = 0;

  constructor(probes: PathProbes, procRoot: string) {
    this.#probes = probes;
    this.#procRoot = procRoot;
  }

  of(owner: CommandLineOwner, maxAgeMs = Infinity): string | typeof PENDING | undefined {
    const known = this.#knownTo(owner);
    const age = known === undefined ? Infinity : performance.now() - known.at;
    if (age > Math.min(FRESH_MS, maxAgeMs)) this.#ask(owner);
    if (known !== undefined && age <= maxAgeMs) return known.text;
    this.#pending += 1;
    return PENDING;
  }

  get pending(): number {
    return this.#pending;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#asked.values());
  }

  #knownTo({ cgroup, pid, start }: CommandLineOwner): Known | undefined {
    const known = this.#known.get(pid);
    if (known?.start !== start) return undefined;
    return known.unansweredFor === undefined || known.unansweredFor === cgroup ? known : undefined;
  }

  #ask({ cgroup, pid, start }: CommandLineOwner): void {
    if (this.#asked.has(pid)) return;
    const path = `${this.#procRoot}/${pid}/cmdline`;
    const asked = this.#probes.ask(cgroup, { look: 'text', path, most: LONGEST }).then((outcome) => {
      this.#asked.delete(pid);
      const at = performance.now();
      // Moves the latest to the end.
      this.#known.delete(pid);
      const text = outcome.kind === 'value' ? outcome.value : undefined;
      this.#known.set(pid, { start, text, unansweredFor: outcome.kind === 'unanswered' ? cgroup : undefined, at });
      this.#byCgroup.add(pid, cgroup);
      this.#forgetUnused(at);
    });
    this.#asked.set(pid, asked);
  }

  #forgetUnused(now: number): void {
    for (const [pid, { at }] of this.#known) {
      if (now - at < UNUSED_MS) break;
      this.#forget(pid);
    }
    // A container with very many processes must not make the exporter forget those of the others.
    for (let pid = this.#byCgroup.first(); pid !== undefined && this.#known.size > MOST; pid = this.#byCgroup.first()) {
      this.#forget(pid);
    }
  }

  #forget(pid: number): void {
    this.#known.delete(pid);
    this.#byCgroup.delete(pid);
  }
}
