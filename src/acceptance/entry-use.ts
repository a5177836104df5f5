import type { Acceptance } from '../findings/acceptance.ts';
import type { Log } from '../log.ts';
import type { AcceptEntry } from './accept-entry.ts';

/** `unmatched`: it has accepted nothing for a week; `expired`: it would accept nothing. */
export const ENTRY_STATES = ['active', 'expired', 'unmatched'] as const;
export type EntryState = (typeof ENTRY_STATES)[number];

/** An entry that accepts nothing for so long is reported, in ms. */
const UNUSED_MS = 7 * 86_400_000;

interface Use {
  readonly entry: AcceptEntry;
  /** When it last accepted a finding, or else came into force, in ms of a steady clock. */
  lastUsed: number;
  /** What the log has reported. */
  told: EntryState;
}

/** When each entry of the accept file was last of use. */
export class EntryUse {
  readonly #log: Log;
  readonly #elapsed: () => number;
  #uses: ReadonlyMap<Acceptance, Use> = new Map();

  constructor(log: Log, elapsed: () => number) {
    this.#log = log;
    this.#elapsed = elapsed;
  }

  /** Takes the entries of a file that was read again. Those that it had before keep their state. */
  replace(entries: readonly AcceptEntry[]): void {
    const before = new Map([...this.#uses.values()].map((use) => [use.entry.text, use]));
    this.#uses = new Map(
      entries.map((entry) => {
        const { lastUsed = this.#elapsed(), told = 'active' as const } = before.get(entry.text) ?? {};
        return [entry.acceptance, { entry, lastUsed, told }];
      }),
    );
  }

  /** Notes that the entry of this acceptance is of use now. */
  used(acceptance: Acceptance): void {
    const use = this.#uses.get(acceptance);
    if (use !== undefined) use.lastUsed = this.#elapsed();
  }

  /** How many entries are in each state. */
  counts(now: number): ReadonlyMap<EntryState, number> {
    const counts = new Map<EntryState, number>(ENTRY_STATES.map((state) => [state, 0]));
    for (const use of this.#uses.values()) {
      const state = this.#stateOf(use, now);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  /** Logs each entry once that has expired, or accepted nothing for a week. */
  tell(file: string, now: number): void {
    for (const use of this.#uses.values()) {
      const state = this.#stateOf(use, now);
      if (state === use.told) continue;
      use.told = state;
      const { line, findings, acceptance } = use.entry;
      const facts = { file, line, findings: findings.join(), ...acceptance };
      if (state === 'expired') this.#log.warn(facts, 'acceptance has expired');
      if (state === 'unmatched') this.#log.info(facts, 'acceptance has matched no finding for a week');
    }
  }

  #stateOf({ entry, lastUsed }: Use, now: number): EntryState {
    if (now >= entry.until) return 'expired';
    return this.#elapsed() - lastUsed >= UNUSED_MS ? 'unmatched' : 'active';
  }
}
