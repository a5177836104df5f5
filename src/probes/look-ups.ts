import type { PathProbes } from './path-probes.ts';
import type { Answers, Outcome, Question } from './requests.ts';

/** The path of a file, as the probe process opens it and as the log shows it. */
export interface ProbedPath {
  readonly path: string;
  readonly shownAs: string;
}

type Known = Outcome<Answers[keyof Answers]> | 'pending';

/**
 * The look-ups for the facts of one container. Synchronous work requests them, continues with `pending`, and is repeated once
 * {@link settled} resolves.
 */
export class LookUps {
  readonly #probes: PathProbes;
  readonly #subject: string;
  readonly #asked = new Map<string, Known>();
  #pending: Promise<void>[] = [];

  /** @param subject the owner of the paths, see {@link PathProbes.ask}. */
  constructor(probes: PathProbes, subject: string) {
    this.#probes = probes;
    this.#subject = subject;
  }

  /** Whether a look-up is not answered yet. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether the subject has a look-up that does not return, so that its result is unknown. */
  get isStuck(): boolean {
    return this.#probes.isStuck(this.#subject);
  }

  /** The outcome of a look-up; `pending` the first time. */
  ask<Asks extends Question>(question: Asks, shownAs: string): Outcome<Answers[Asks['look']]> | 'pending' {
    const key = `${question.look} ${question.path}`;
    const known = this.#asked.get(key);
    // The question's kind decides the answer's type, and it is in the key.
    if (known !== undefined) return known as Outcome<Answers[Asks['look']]> | 'pending';
    this.#asked.set(key, 'pending');
    this.#pending.push(
      this.#probes.ask(this.#subject, question, shownAs).then((outcome) => {
        this.#asked.set(key, outcome);
      }),
    );
    return 'pending';
  }

  /** Resolves once all look-ups are answered, or known to hang. */
  async settled(): Promise<void> {
    const pending = this.#pending;
    await Promise.all(pending);
    this.#pending = this.#pending.slice(pending.length);
  }
}
