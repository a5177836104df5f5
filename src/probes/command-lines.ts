import { type CommandLineOwner, type CommandLines, PENDING } from '../kernel/command-lines.ts';
import type { PathProbes } from './path-probes.ts';

/** In bytes. Nothing that matters comes later in a command line: the name of a program, and for a shim its first flags. */
const LONGEST = 1024;

/** An answer that is older is used and asked for anew, in ms: a process can become another program. */
const FRESH_MS = 20_000;

/** So many are remembered; 4 MB at most. */
const MOST = 4096;

interface Known {
  readonly start: number;
  readonly text: string | undefined;
  /** Of `performance.now()`. */
  readonly at: number;
}

/** Command lines that a probe process reads, and that are remembered as long as they are asked for. */
export class ProbedCommandLines implements CommandLines {
  readonly #probes: PathProbes;
  readonly #procRoot: string;
  readonly #known = new Map<number, Known>();
  readonly #asked = new Map<number, Promise<void>>();

  constructor(probes: PathProbes, procRoot: string) {
    this.#probes = probes;
    this.#procRoot = procRoot;
  }

  of(owner: CommandLineOwner, maxAgeMs = Infinity): string | typeof PENDING | undefined {
    const known = this.#known.get(owner.pid);
    const age = known === undefined ? Infinity : performance.now() - known.at;
    if (known?.start !== owner.start || age > Math.min(FRESH_MS, maxAgeMs)) this.#ask(owner);
    return known?.start === owner.start && age <= maxAgeMs ? known.text : PENDING;
  }

  settled(): Promise<void> | undefined {
    return this.#asked.size === 0 ? undefined : Promise.all(this.#asked.values()).then(() => {});
  }

  #ask({ cgroup, pid, start }: CommandLineOwner): void {
    if (this.#asked.has(pid)) return;
    const path = `${this.#procRoot}/${pid}/cmdline`;
    const asked = this.#probes.ask(cgroup, { look: 'text', path, most: LONGEST }).then((outcome) => {
      this.#asked.delete(pid);
      // The latest is the last in order, so that the first is what nobody has asked for longest.
      this.#known.delete(pid);
      this.#known.set(pid, {
        start,
        text: outcome.kind === 'value' ? outcome.value : undefined,
        at: performance.now(),
      });
      const [oldest] = this.#known.keys();
      if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    });
    this.#asked.set(pid, asked);
  }
}
