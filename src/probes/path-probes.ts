import type { Log } from '../log.ts';
import { type Blocked, type Turn, turnAmong } from './blocked.ts';
import { type Asked, ProbeProcess, SILENCES_MS } from './probe-process.ts';
import type { Answers, Outcome, Question } from './requests.ts';
import { SubjectRecords } from './subject-records.ts';

/** How long a probe process may be idle before it is ended, in ms. */
const IDLE_MS = 120_000;

/** How many probe processes may be blocked. Beyond this the oldest one is killed. */
const MOST_BLOCKED = 3;

/** The maximum number of probe processes that are not killed: one works, and the others are blocked. */
const MOST_PROCESSES = 5;

/**
 * How many killed processes may not be gone yet: not even SIGKILL ends a call that waits for a FUSE server which has taken the request.
 * Each keeps 7 MB. New subjects cannot take those that are left for subjects that have answered so far.
 */
const MOST_UNENDED = { unknown: 8, trusted: 16 };

const [SUSPICIOUS_MS, SLOW_MS, STUCK_MS] = SILENCES_MS;

/**
 * Reads paths that containers or network servers control, such as on a FUSE mount, on a network file system whose server does not
 * answer, or on a disk that is gone. Each call may hang for ever, so a separate process makes it. A hanging process only blocks
 * its own subject, and another process answers the others. The blocked subject is tried again once the call returns. If more
 * subjects hang than there are processes, those that hang longest lose theirs, and are tried again after longer and longer times.
 */
export class PathProbes implements Disposable {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #processes = new Set<ProbeProcess>();
  /** Killed, but not gone: their call does not return. */
  readonly #unended = new Set<ProbeProcess>();
  readonly #blocked = new Map<string, Blocked>();
  readonly #records = new SubjectRecords();
  #ownerOf = (subject: string): string => subject;
  /** Questions that no process can take yet. */
  #queue: Asked[] = [];
  #working: ProbeProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #replies = 0;
  #saidFull = false;
  #disposed = false;

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /** Subjects with the same owner share a part of the processes: one container can have many containers inside. */
  groupBy(ownerOf: (subject: string) => string): void {
    this.#ownerOf = ownerOf;
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

  /** How many replies have come so far, without those of subjects that nobody should wait for. */
  get replies(): number {
    return this.#replies;
  }

  /** How many subjects have a look-up that does not return. */
  get stuck(): number {
    return [...this.#blocked.keys()].filter((subject) => this.isStuck(subject)).length;
  }

  /** Whether a subject has a look-up that does not return. Meanwhile it gets `unanswered` at once. */
  isStuck(subject: string): boolean {
    const blocked = this.#blocked.get(subject);
    if (blocked === undefined) return false;
    // It has no second process while the call in the first one has not returned.
    if (blocked.probe === undefined && performance.now() > blocked.until) this.#release(subject, blocked);
    return blocked.stuck && this.#blocked.has(subject);
  }

  /**
   * Asks about a path. Resolves within about 5 s for any path, unless look-ups of several other subjects hang.
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
    this.#drain();
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
    const turn = this.#turnOf(subject);
    const probe = turn === 'now' ? (this.#blocked.get(subject)?.probe ?? this.#worker()) : undefined;
    if (probe !== undefined) {
      clearTimeout(this.#idle);
      probe.ask(asked);
    } else if (turn === 'never' || this.#disposed || this.#isFull) {
      asked.settle(undefined);
    } else this.#queue.push(asked);
  }

  /** Dispatches the questions that were waiting for a process. */
  #drain(): void {
    const waiting = this.#queue;
    this.#queue = [];
    for (const asked of waiting) this.#dispatch(asked);
  }

  #turnOf(subject: string): Turn {
    if (this.isStuck(subject)) return 'never';
    if (this.#blocked.size === 0 || this.#blocked.has(subject)) return 'now';
    const kind = this.#records.isTrusted(subject) ? 'trusted' : 'unknown';
    if (kind === 'unknown' && this.#unended.size >= MOST_UNENDED.unknown) {
      this.#logFull();
      return 'never';
    }
    return turnAmong(this.#blocked.values(), this.#ownerOf(subject), kind);
  }

  /** No process can be started, nor killed to start another. */
  get #isFull(): boolean {
    return this.#processes.size >= MOST_PROCESSES && this.#unended.size >= MOST_UNENDED.trusted;
  }

  #logFull(): void {
    if (this.#saidFull) return;
    this.#saidFull = true;
    const blocked = this.#processes.size + this.#unended.size;
    this.#log.warn({ blocked }, 'too many path look-ups hang; new containers are not looked up until some return');
  }

  /** The process that answers, started if there is none. `undefined`: no more can be started yet. */
  #worker(): ProbeProcess | undefined {
    if (this.#disposed) return undefined;
    if (this.#working !== undefined) return this.#working;
    if (this.#processes.size >= MOST_PROCESSES) this.#giveUpSlowest();
    if (this.#processes.size >= MOST_PROCESSES) {
      if (this.#isFull) this.#logFull();
      return undefined;
    }
    const probe = new ProbeProcess({
      onSilent: (of, ms) => this.#onSilent(of, ms),
      onReply: (of, subject) => this.#onReply(of, subject),
      onEnd: (of) => this.#onEnd(of),
    });
    this.#processes.add(probe);
    this.#working = probe;
    return probe;
  }

  #onSilent(probe: ProbeProcess, ms: number): void {
    const { oldest } = probe;
    if (oldest === undefined || this.#unended.has(probe)) return;
    if (ms === SUSPICIOUS_MS) this.#setAside(probe, oldest);
    const blocked = this.#blocked.get(oldest.subject);
    if (blocked?.probe !== probe) return;
    if (ms === SLOW_MS) blocked.isSlow = true;
    if (ms === STUCK_MS) this.#giveUp(oldest.subject, blocked);
    if (ms !== SUSPICIOUS_MS) this.#drain();
  }

  /** Leaves a silent process alone with its subject. Another one answers the rest. */
  #setAside(probe: ProbeProcess, { subject, shownAs }: Asked): void {
    if (this.#blocked.get(subject)?.probe === probe) return;
    if (this.#working === probe) this.#working = undefined;
    const owner = this.#ownerOf(subject);
    const state = { isSlow: false, stuck: false, leftAloneMs: 0, until: Infinity };
    this.#blocked.set(subject, { probe, owner, shownAs, ...state });
    for (const other of probe.takeBack((asked) => asked.subject !== subject)) this.#dispatch(other);
  }

  #giveUp(subject: string, blocked: Blocked): void {
    const { probe, shownAs } = blocked;
    if (probe === undefined || blocked.stuck) return;
    blocked.stuck = true;
    blocked.leftAloneMs = this.#records.hung(subject);
    this.#log.warn({ subject, path: shownAs }, 'a path look-up hangs; its result is unknown until it returns');
    for (const asked of probe.takeBack(() => true)) asked.settle(undefined);
    // The process reads this question after the hanging call. So a reply to it shows that the call has returned.
    probe.ask({ subject, shownAs, question: { look: 'access', path: '/proc' }, settle: () => {} });
    this.#makeRoom();
  }

  #giveUpSlowest(): void {
    const slowest = [...this.#blocked].find(([, { isSlow, stuck }]) => isSlow && !stuck);
    if (slowest !== undefined) this.#giveUp(...slowest);
  }

  #release(subject: string, { shownAs, stuck, probe }: Blocked): void {
    this.#blocked.delete(subject);
    if (stuck && probe !== undefined) {
      this.#log.info({ subject, path: shownAs }, 'a hanging path look-up has returned');
    }
  }

  #makeRoom(): void {
    const stuck = [...this.#blocked.values()].filter((each) => each.stuck && this.#isAlive(each.probe));
    const isNeeded = this.#processes.size >= MOST_PROCESSES && this.#working === undefined;
    const [oldest] = stuck;
    if (oldest?.probe === undefined || (stuck.length <= MOST_BLOCKED && !isNeeded)) return;
    if (this.#unended.size >= MOST_UNENDED.trusted) return;
    oldest.until = performance.now() + oldest.leftAloneMs;
    this.#processes.delete(oldest.probe);
    this.#unended.add(oldest.probe);
    oldest.probe.kill();
  }

  #isAlive(probe: ProbeProcess | undefined): boolean {
    return probe !== undefined && this.#processes.has(probe);
  }

  #onReply(probe: ProbeProcess, subject: string | undefined): void {
    if (this.#working === probe) this.#replies += 1;
    if (subject !== undefined) this.#records.answered(subject);
    if (probe.length > 0 || this.#unended.has(probe)) return;
    for (const [of, blocked] of this.#blocked) if (blocked.probe === probe) this.#release(of, blocked);
    if (this.#working === undefined) this.#working = probe;
    if (this.#working === probe) {
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => {
        this.#working = undefined;
        probe.disconnect();
      }, IDLE_MS).unref();
    } else probe.disconnect();
    this.#drain();
  }

  #onEnd(probe: ProbeProcess): void {
    this.#processes.delete(probe);
    const wasKilled = this.#unended.delete(probe);
    this.#saidFull = false;
    if (this.#working === probe) this.#working = undefined;
    for (const [subject, blocked] of this.#blocked) {
      if (blocked.probe !== probe) continue;
      blocked.probe = undefined;
      if (!wasKilled) this.#blocked.delete(subject);
    }
    this.#drain();
  }
}
