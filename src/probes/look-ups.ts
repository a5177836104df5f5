import type { PathProbes } from './path-probes.ts';
import type { Answers, Outcome, Question } from './requests.ts';

/** Where a file is: as a probe process finds it, and as people know it. */
export interface ProbedPath {
  readonly path: string;
  readonly shownAs: string;
}

type Known = Outcome<Answers[keyof Answers]> | 'pending';

/**
 * The look-ups that the facts of one container take. They are asked for in the middle of synchronous work, which goes on with
 * `pending` and is done again once {@link settled} resolves.
 */
export class LookUps {
  readonly #probes: PathProbes;
  readonly #subject: string;
  readonly #asked = new Map<string, Known>();
  #pending: Promise<void>[] = [];

  /** @param subject whose paths they are, see {@link PathProbes.ask}. */
  constructor(probes: PathProbes, subject: string) {
    this.#probes = probes;
    this.#subject = subject;
  }

  /** Whether something was asked that is not answered yet. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether the subject has a look-up that does not return, so that what it would tell is unknown. */
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

  /** Resolves once all that was asked is answered, or known not to be. */
  async settled(): Promise<void> {
    const pending = this.#pending;
    await Promise.all(pending);
    this.#pending = this.#pending.slice(pending.length);
  }
}
