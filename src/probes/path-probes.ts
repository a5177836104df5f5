import type { Log } from '../log.ts';
import { type Asked, ProbeProcess, SILENCES_MS } from './probe-process.ts';
import type { Answers, Outcome, Question } from './requests.ts';

/** How long a probe process may be idle before it is ended, in ms. */
const IDLE_MS = 120_000;

/** How many probe processes may be blocked. Beyond this the oldest one is given up. */
const MOST_BLOCKED = 3;

/** The maximum number of probe processes: one works, and the others are blocked or killed but not gone yet. */
const MOST_PROCESSES = 5;

/** How long a subject is skipped after its blocked process was given up, in ms. */
const LEFT_ALONE_MS = 300_000;

const [SUSPICIOUS_MS, STUCK_MS] = SILENCES_MS;

/** A subject whose look-up does not return. */
interface Blocked {
  /** `undefined`: the process was given up. */
  readonly probe: ProbeProcess | undefined;
  readonly shownAs: string;
  /** The process has been silent for so long that the hang is logged. */
  stuck: boolean;
  /** When the subject is no longer skipped, in ms of `performance.now()`. */
  readonly until: number;
}

/**
 * Reads paths that containers or network servers control, such as on a FUSE mount, on a network file system whose server does not
 * answer, or on a disk that is gone. Each call may hang for ever, so a separate process makes it. A hanging process only blocks
 * its own subject, and another process answers the others. The blocked subject is tried again once the call returns.
 */
export class PathProbes implements Disposable {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #processes = new Set<ProbeProcess>();
  readonly #blocked = new Map<string, Blocked>();
  #working: ProbeProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #replies = 0;
  #saidFull = false;
  #disposed = false;

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /**
   * Starts the probe process, if there is none. Resolves once it accepts questions or cannot be started, after at most 10 s, so that
   * a busy machine does not count against a path.
   */
  async start(): Promise<void> {
    await this.#keepAlive(this.#worker()?.started ?? Promise.resolve());
  }

  /** Resolves once a starting process accepts questions. */
  async started(): Promise<void> {
    await this.#working?.started;
  }

  /** Whether look-ups are only waiting for the CPU. */
  get isBusy(): boolean {
    return this.#working?.isRunnable === true;
  }

  /** How many replies have come so far. */
  get replies(): number {
    return this.#replies;
  }

  /** How many subjects have a look-up that does not return. */
  get stuck(): number {
    let count = 0;
    for (const { stuck } of this.#blocked.values()) if (stuck) count += 1;
    return count;
  }

  /** Whether a subject has a look-up that does not return. Meanwhile it gets `unanswered` at once. */
  isStuck(subject: string): boolean {
    const blocked = this.#blocked.get(subject);
    if (blocked === undefined) return false;
    if (performance.now() > blocked.until) this.#release(subject, blocked);
    return blocked.stuck && this.#blocked.has(subject);
  }

  /**
   * Asks about a path. Resolves within about 5 s for any path.
   *
   * @param subject the owner of the path: the path of a container's cgroup, or the name of an engine.
   * @param shownAs the path for the log, if it differs from that in the question.
   */
  ask<Asks extends Question>(
    subject: string,
    question: Asks,
    shownAs: string = question.path,
  ): Promise<Outcome<Answers[Asks['look']]>> {
    const answered = new Promise<Outcome<Answers[Asks['look']]>>((resolve) => {
      const settle: Asked['settle'] = (reply) => {
        if (reply === undefined) resolve({ kind: 'unanswered' });
        else if ('code' in reply) resolve({ kind: 'error', code: reply.code });
        else resolve({ kind: 'value', value: reply.value as Answers[Asks['look']] });
      };
      this.#dispatch({ subject, question, shownAs, settle });
    });
    return this.#keepAlive(answered);
  }

  /** Ends all probe processes, without waiting for those that cannot end. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#idle);
    for (const probe of this.#processes) {
      for (const asked of probe.takeBack(() => true)) asked.settle(undefined);
      probe.kill();
    }
  }

  /** A probe process does not keep this process alive, but a caller that waits for an answer does. */
  async #keepAlive<T>(answer: Promise<T>): Promise<T> {
    const timer = setInterval(() => {}, 60_000);
    try {
      return await answer;
    } finally {
      clearInterval(timer);
    }
  }

  #dispatch(asked: Asked): void {
    const { subject } = asked;
    const probe = this.isStuck(subject) ? undefined : (this.#blocked.get(subject)?.probe ?? this.#worker());
    if (probe === undefined) {
      asked.settle(undefined);
      return;
    }
    clearTimeout(this.#idle);
    probe.ask(asked);
  }

  /** The process that answers, started if there is none. `undefined`: no more can be started. */
  #worker(): ProbeProcess | undefined {
    if (this.#disposed) return undefined;
    if (this.#working !== undefined) return this.#working;
    if (this.#processes.size >= MOST_PROCESSES) {
      if (!this.#saidFull) {
        this.#log.warn(
          { blocked: this.#processes.size },
          'too many path look-ups hang; starting no more until some return',
        );
      }
      this.#saidFull = true;
      return undefined;
    }
    const probe = new ProbeProcess({
      onSilent: (of, ms) => this.#onSilent(of, ms),
      onReply: (of) => this.#onReply(of),
      onEnd: (of) => this.#onEnd(of),
    });
    this.#processes.add(probe);
    this.#working = probe;
    return probe;
  }

  #onSilent(probe: ProbeProcess, ms: number): void {
    const { oldest } = probe;
    if (oldest === undefined) return;
    if (ms === SUSPICIOUS_MS) this.#setAside(probe, oldest);
    if (ms === STUCK_MS) this.#giveUp(probe, oldest);
  }

  /** Leaves a silent process alone with its subject. Another one answers the rest. */
  #setAside(probe: ProbeProcess, { subject, shownAs }: Asked): void {
    if (this.#blocked.get(subject)?.probe === probe) return;
    if (this.#working === probe) this.#working = undefined;
    this.#blocked.set(subject, { probe, shownAs, stuck: false, until: Infinity });
    for (const other of probe.takeBack((asked) => asked.subject !== subject)) this.#dispatch(other);
  }

  #giveUp(probe: ProbeProcess, { subject, shownAs }: Asked): void {
    const blocked = this.#blocked.get(subject);
    if (blocked?.probe !== probe || blocked.stuck) return;
    blocked.stuck = true;
    this.#log.warn({ subject, path: shownAs }, 'a path look-up hangs; its result is unknown until it returns');
    for (const asked of probe.takeBack(() => true)) asked.settle(undefined);
    // The process reads this question after the hanging call. So a reply to it shows that the call has returned.
    probe.ask({ subject, shownAs, question: { look: 'access', path: '/proc' }, settle: () => {} });
    this.#makeRoom();
  }

  #release(subject: string, { shownAs, stuck, probe }: Blocked): void {
    this.#blocked.delete(subject);
    if (stuck && probe !== undefined) {
      this.#log.info({ subject, path: shownAs }, 'a hanging path look-up has returned');
    }
  }

  #makeRoom(): void {
    const stuck = [...this.#blocked].filter(([, { probe, stuck }]) => stuck && probe !== undefined);
    const [oldest] = stuck;
    if (stuck.length <= MOST_BLOCKED || oldest === undefined) return;
    const [subject, { probe, shownAs }] = oldest;
    this.#blocked.set(subject, { probe: undefined, shownAs, stuck: true, until: performance.now() + LEFT_ALONE_MS });
    probe?.kill();
  }

  #onReply(probe: ProbeProcess): void {
    this.#replies += 1;
    if (probe.length > 0) return;
    for (const [subject, blocked] of this.#blocked) if (blocked.probe === probe) this.#release(subject, blocked);
    if (this.#working === undefined) this.#working = probe;
    if (this.#working !== probe) {
      probe.disconnect();
      return;
    }
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#working = undefined;
      probe.disconnect();
    }, IDLE_MS).unref();
  }

  #onEnd(probe: ProbeProcess): void {
    this.#processes.delete(probe);
    this.#saidFull = false;
    if (this.#working === probe) this.#working = undefined;
    for (const [subject, blocked] of this.#blocked) if (blocked.probe === probe) this.#blocked.delete(subject);
  }
}
