import type { Log } from '../log.ts';
import { type Asked, ProbeProcess, SILENCES_MS } from './probe-process.ts';
import type { Answers, Outcome, Question } from './requests.ts';

/** A probe process that has had nothing to do for so long is ended, in ms. */
const IDLE_MS = 120_000;

/** So many probe processes may be blocked; after that the oldest makes room. */
const MOST_BLOCKED = 3;

/** One works, the others are blocked, or have been killed and cannot end yet. */
const MOST_PROCESSES = 5;

/** A subject whose blocked process had to make room is left alone for so long, in ms. */
const LEFT_ALONE_MS = 300_000;

const [SUSPICIOUS_MS, STUCK_MS] = SILENCES_MS;

/** A subject whose look-up does not return. */
interface Blocked {
  /** `undefined`: it had to make room. */
  readonly probe: ProbeProcess | undefined;
  readonly shownAs: string;
  /** It has been silent for long enough to say so. */
  stuck: boolean;
  /** Of `performance.now()`. */
  readonly until: number;
}

/**
 * Looks at paths that containers or network servers decide: on a FUSE mount or a network file system whose server does not
 * answer, on a disk that has gone. Each call may take for ever, so a process of its own makes it. One that does not return is
 * left behind with its subject, another process answers the others, and the subject is asked again once the call returns.
 */
export class PathProbes implements Disposable {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #processes = new Set<ProbeProcess>();
  readonly #blocked = new Map<string, Blocked>();
  #working: ProbeProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #saidFull = false;
  #disposed = false;

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /**
   * Starts the process that answers, if there is none. Resolves once it takes questions, or cannot be started, after 10 s at
   * most: however busy the machine is, that is no fault of a path.
   */
  async start(): Promise<void> {
    await this.#worker()?.started;
  }

  /** Resolves once a process that is being started takes questions. */
  async started(): Promise<void> {
    await this.#working?.started;
  }

  /** Whether look-ups are being made, and only wait for the CPU. */
  get isBusy(): boolean {
    return this.#working?.isRunnable === true;
  }

  /** How many subjects have a look-up that does not return. */
  get stuck(): number {
    let count = 0;
    for (const { stuck } of this.#blocked.values()) if (stuck) count += 1;
    return count;
  }

  /** Whether a subject has a look-up that does not return. It is answered `unanswered` at once meanwhile. */
  isStuck(subject: string): boolean {
    const blocked = this.#blocked.get(subject);
    if (blocked === undefined) return false;
    if (performance.now() > blocked.until) this.#release(subject, blocked);
    return blocked.stuck && this.#blocked.has(subject);
  }

  /**
   * Asks about a path. Resolves within about 5 s, whatever is behind the path.
   *
   * @param subject whose path it is: the path of a container's cgroup, the name of an engine.
   * @param shownAs the path as the log names it, if the question has it in another form.
   */
  ask<Asks extends Question>(
    subject: string,
    question: Asks,
    shownAs: string = question.path,
  ): Promise<Outcome<Answers[Asks['look']]>> {
    return new Promise((resolve) => {
      const settle: Asked['settle'] = (reply) => {
        if (reply === undefined) resolve({ kind: 'unanswered' });
        else if ('code' in reply) resolve({ kind: 'error', code: reply.code });
        else resolve({ kind: 'value', value: reply.value as Answers[Asks['look']] });
      };
      this.#dispatch({ subject, question, shownAs, settle });
    });
  }

  /** Ends all probe processes, without waiting for those that cannot end. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#idle);
    for (const probe of this.#processes) probe.kill();
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
        this.#log.warn({ blocked: this.#processes.size }, 'too many look-ups do not return; no more are made');
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

  /** Leaves a silent process alone with its subject; another one answers the rest. */
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
    this.#log.warn(
      { subject, path: shownAs },
      'a look-up does not return; what it would tell is unknown until it does',
    );
    for (const asked of probe.takeBack(() => true)) asked.settle(undefined);
    // It is read after the call that does not return, so a reply to it says that the call has returned.
    probe.ask({ subject, shownAs, question: { look: 'access', path: '/proc' }, settle: () => {} });
    this.#makeRoom();
  }

  #release(subject: string, { shownAs, stuck, probe }: Blocked): void {
    this.#blocked.delete(subject);
    if (stuck && probe !== undefined) {
      this.#log.info({ subject, path: shownAs }, 'a look-up that did not return has returned');
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
