import { collectors } from '../../src/collectors/index.ts';
import { type Config, createConfig } from '../../src/config/config.ts';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';
import { PathProbes } from '../../src/probes/path-probes.ts';
import { type CapturedContainer, CapturedTree } from './captured-tree.ts';
import { type Fault, ownerOf } from './faults.ts';
import { difference, lies, type Scraped, sortOut, withoutSums } from './judge.ts';
import { systemCalls } from './system-calls.ts';

/** When the fault comes: during discovery and the first scrape, or during a later scrape, which finds all files open. */
export const PHASES = ['first', 'later'] as const;
export type Phase = (typeof PHASES)[number];

/** One run of a daemon: what happens, and before which of its calls on files of containers, counted from 1. */
export interface Step {
  readonly phase: Phase;
  readonly step: number;
  readonly fault: Fault;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Discovery notices what happens by inotify. */
const NOTICED_WITHIN_MS = 30_000;

/** Runs the daemon on a copy of a captured host, and causes one fault in each run. */
export class Stepper implements Disposable {
  readonly #tree: CapturedTree;
  readonly #config: Config;
  readonly #ids: readonly string[];
  readonly #probes = new SharedProbes(silent);

  constructor(fixture: string, parent: string) {
    this.#tree = new CapturedTree(fixture, parent);
    this.#ids = this.#tree.containers.map(({ id }) => id);
    this.#config = configOf(this.#tree.root);
    systemCalls.standAt(this.#tree.root);
  }

  /** How many calls on files of containers there are in each phase. */
  async count(): Promise<Record<Phase, number>> {
    const counts = { first: 0, later: 0 };
    const expected = await this.#expected();
    for (const phase of PHASES) {
      systemCalls.before = undefined;
      const count = (): void => {
        systemCalls.before = (call) => {
          if (ownerOf(call, this.#tree.containers) !== undefined) counts[phase] += 1;
        };
      };
      const { during, daemon } = await this.#twoScrapes(phase, count);
      await daemon[Symbol.asyncDispose]();
      for (const id of this.#ids) {
        const changed = difference(during.of.get(id), expected.of.get(id));
        if (changed.length > 0) throw new Error(`Not the same without a fault: ${changed.join('\n')}`);
      }
    }
    return counts;
  }

  /** What a run does that must not be; empty if it does nothing wrong. */
  async run({ phase, step, fault }: Step): Promise<string[]> {
    const { containers } = this.#tree;
    const expected = await this.#expected();
    // Before the daemon of this run starts, which would notice.
    const whenReplaced = await this.#expectedWhenReplaced();
    const found: { victim?: CapturedContainer } = {};
    let calls = 0;
    const strike = (): void => {
      systemCalls.before = (call) => {
        const owner = found.victim === undefined ? ownerOf(call, containers) : undefined;
        if (owner !== undefined) calls += 1;
        if (owner === undefined || calls < step) return;
        found.victim = owner;
        fault.strike(this.#tree, owner, this.#neighbourOf(owner));
      };
    };
    const faults: string[] = [];
    let daemon: Daemon | undefined;
    try {
      const { during, daemon: started } = await this.#twoScrapes(phase, strike);
      daemon = started;
      systemCalls.before = undefined;
      const { victim } = found;
      if (victim === undefined) return [];
      for (const [when, scraped] of [
        ['in the scrape', during],
        ['in the next scrape', await this.#scrape(daemon)],
      ] as const) {
        const shown = fault.isReplaced === true ? withoutSums(scraped, victim.id) : scraped;
        const wrong = this.#judge(shown, victim, expected, whenReplaced.get(victim));
        faults.push(...wrong.map((line) => `${when}: ${line}`));
      }
      this.#heal();
      faults.push(...(await this.#wrongAfterwards(daemon, victim, fault)));
    } catch (error) {
      faults.push(`It throws ${String(error)}`);
    } finally {
      this.#heal();
      await daemon?.[Symbol.asyncDispose]();
    }
    return faults;
  }

  [Symbol.dispose](): void {
    this.#heal();
    this.#tree[Symbol.dispose]();
    this.#probes.end();
  }

  #heal(): void {
    systemCalls.before = undefined;
    systemCalls.answer = undefined;
    this.#tree.heal();
  }

  async #twoScrapes(phase: Phase, begin: () => void): Promise<{ readonly during: Scraped; readonly daemon: Daemon }> {
    if (phase === 'first') begin();
    const daemon = await startDaemon(this.#config, silent, this.#probes);
    const first = await this.#scrape(daemon);
    if (phase === 'first') return { during: first, daemon };
    begin();
    return { during: await this.#scrape(daemon), daemon };
  }

  async #scrape(daemon: Daemon): Promise<Scraped> {
    return sortOut(Buffer.concat(await daemon.scrape({ format: 'text' })).toString(), this.#ids);
  }

  #undisturbed: Scraped | undefined;
  readonly #whenReplaced = new Map<CapturedContainer, Scraped>();

  /** What an undisturbed run says. */
  async #expected(): Promise<Scraped> {
    return (this.#undisturbed ??= await this.#fresh());
  }

  /** What an undisturbed run says after another container has taken the paths of one. */
  async #expectedWhenReplaced(): Promise<ReadonlyMap<CapturedContainer, Scraped>> {
    for (const container of this.#tree.containers) {
      if (this.#whenReplaced.has(container)) continue;
      this.#tree.replace(container, this.#neighbourOf(container));
      this.#whenReplaced.set(container, await this.#fresh());
      this.#tree.heal();
    }
    return this.#whenReplaced;
  }

  async #fresh(): Promise<Scraped> {
    await using daemon = await startDaemon(this.#config, silent, this.#probes);
    return await this.#scrape(daemon);
  }

  /** Others must be as they were. The disturbed one may say what it said, or, as a whole, what its successor at the same paths says. */
  #judge(found: Scraped, victim: CapturedContainer, expected: Scraped, replaced: Scraped | undefined): string[] {
    const others = this.#ids.filter((id) => id !== victim.id);
    const changed = others.flatMap((id) => difference(found.of.get(id), expected.of.get(id)));
    const lines = found.of.get(victim.id) ?? new Set<string>();
    const [asBefore, asSuccessor] = [expected, replaced].map((each) =>
      lies(lines, each?.of.get(victim.id) ?? new Set()),
    );
    return [
      ...changed.map((line) => `another container: ${line}`),
      ...difference(found.host, expected.host).map((line) => `the host: ${line}`),
      ...(asSuccessor?.length === 0 ? [] : (asBefore ?? [])).map((line) => `a lie: ${line}`),
    ];
  }

  /** What is still not as before after the fault is over and noticed. */
  async #wrongAfterwards(
    daemon: Daemon,
    victim: CapturedContainer,
    { isDenial = false, isReplaced = false }: Fault,
  ): Promise<string[]> {
    const comparable = (scraped: Scraped): Scraped => (isReplaced ? withoutSums(scraped, victim.id) : scraped);
    const expected = comparable(await this.#expected());
    const until = performance.now() + NOTICED_WITHIN_MS;
    for (;;) {
      const found = comparable(await this.#scrape(daemon));
      const wrong = this.#ids.flatMap((id) => {
        const [now, before] = [found.of.get(id) ?? new Set<string>(), expected.of.get(id) ?? new Set<string>()];
        return isDenial && id === victim.id ? lies(now, before) : difference(now, before);
      });
      if (wrong.length === 0) return [];
      if (performance.now() > until) return wrong.map((line) => `afterwards: ${line}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #neighbourOf(container: CapturedContainer): CapturedContainer {
    const { containers } = this.#tree;
    return containers[(containers.indexOf(container) + 1) % containers.length] ?? container;
  }
}

/** All daemons of a test ask the same process, which takes longer to start than they do. */
class SharedProbes extends PathProbes {
  override [Symbol.dispose](): void {}

  end(): void {
    super[Symbol.dispose]();
  }
}

function configOf(root: string): Config {
  const flags = new Map<string, readonly string[]>([
    ['path.procfs', [`${root}/proc`]],
    ['path.cgroupfs', [`${root}/cgroup`]],
    ['path.kmsg', ['']],
    ['docker.host', ['']],
    ['podman.host', ['']],
    ...collectors.map(({ name }) => [`collector.${name}`, ['true']] as const),
  ]);
  return createConfig({ flags, environment: {}, collectors });
}
