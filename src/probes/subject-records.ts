/** How long a subject is not asked about after its process was killed, in ms: first, and at most. Each further hang doubles it. */
const LEFT_ALONE_MS = 60_000;
const LEFT_ALONE_AT_MOST_MS = 3_600_000;

/** The maximum number of subjects that are remembered. */
const MOST = 10_000;

interface SubjectRecord {
  /** Since it last hung. */
  readonly hasAnswered: boolean;
  readonly hangs: number;
}

/** How the subjects of look-ups have behaved so far. */
export class SubjectRecords {
  /** The least recently changed first. */
  readonly #records = new Map<string, SubjectRecord>();

  answered(subject: string): void {
    const record = this.#records.get(subject);
    if (record?.hasAnswered !== true) this.#keep(subject, { hasAnswered: true, hangs: record?.hangs ?? 0 });
  }

  /** Returns how long to leave the subject alone, in ms. */
  hung(subject: string): number {
    const hangs = (this.#records.get(subject)?.hangs ?? 0) + 1;
    this.#keep(subject, { hasAnswered: false, hangs });
    return Math.min(LEFT_ALONE_MS * 2 ** (hangs - 1), LEFT_ALONE_AT_MOST_MS);
  }

  /** Whether a look-up of the subject has returned, and none has hung since. */
  isTrusted(subject: string): boolean {
    return this.#records.get(subject)?.hasAnswered === true;
  }

  #keep(subject: string, record: SubjectRecord): void {
    this.#records.delete(subject);
    this.#records.set(subject, record);
    const [oldest] = this.#records.keys();
    if (this.#records.size > MOST && oldest !== undefined) this.#records.delete(oldest);
  }
}
