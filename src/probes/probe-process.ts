import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Question, Reply, Request } from './requests.ts';

/** A question to a probe process. */
export interface Asked {
  /** The owner of the path. A subject with a hanging look-up does not block other subjects. */
  readonly subject: string;
  readonly question: Question;
  /** The path for the log. */
  readonly shownAs: string;
  /** Receives the reply; `undefined` if there will be none. */
  readonly settle: (reply: Reply | undefined) => void;
}

/** Callbacks of a probe process. */
export interface ProbeListeners {
  /** The process has been busy with the oldest question or its subject for one of {@link SILENCES_MS}. Called at least once for each. */
  readonly onSilent: (probe: ProbeProcess, ms: number) => void;
  /** The process has replied. @param subject `undefined`: the question was taken back. */
  readonly onReply: (probe: ProbeProcess, subject: string | undefined) => void;
  /** The process has ended, or could not be started. */
  readonly onEnd: (probe: ProbeProcess) => void;
}

/**
 * After these times `onSilent` is called, in ms. The last one counts from when the question became the oldest. The others count from when
 * the first of several questions of the same subject did: a subject can also keep a process busy with many replies that are late.
 */
export const SILENCES_MS = [150, 1_000, 5_000] as const;

/**
 * How often to look whether the start goes on. Node may start slowly on a busy machine: only a process that has had no CPU since the
 * last look, and does not wait for any, is stuck.
 */
const START_MS = 10_000;

/** Of the fields of `/proc/<pid>/stat` after its state, in clock ticks. */
const USER_TIME = 10;
const SYSTEM_TIME = 11;

const PROGRAM = fileURLToPath(new URL('./probe-program.js', import.meta.url));

/** Flags for a small heap. The process itself takes 8 MB and five threads. */
const FLAGS = ['--v8-pool-size=0', '--max-semi-space-size=1', '--max-old-space-size=32'];

let nextId = 0;

/** A process that answers questions about paths one after the other. It can hang for ever; this process cannot. */
export class ProbeProcess {
  /** Resolves once it accepts questions, or has ended. */
  readonly started: Promise<void>;
  readonly #child: ChildProcess;
  readonly #listeners: ProbeListeners;
  /** Unanswered questions, in the order in which the process answers them. */
  readonly #waiting = new Map<number, Asked>();
  #unsent: Request[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** How often the wait for a reply has begun. */
  #watches = 0;
  /** The subject of the oldest question, and since when there has been no other, in ms of `performance.now()`. */
  #current: { readonly subject: string; since: number } | undefined;
  #ready = false;
  #ended = false;

  constructor(listeners: ProbeListeners, { startMs = START_MS, flags = FLAGS } = {}) {
    this.#listeners = listeners;
    // No descriptors except the channel, no environment, and no working directory that could keep a file system busy.
    this.#child = spawn(process.execPath, [...flags, PROGRAM], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { UV_THREADPOOL_SIZE: '1' },
      cwd: '/',
    });
    this.#child.on('message', (message: Reply | 'ready') => this.#onMessage(message));
    this.#child.on('error', () => this.#end());
    this.#child.on('exit', () => this.#end());
    this.started = new Promise((resolve) => {
      this.#child.once('message', () => resolve());
      this.#child.once('error', () => resolve());
      this.#child.once('exit', () => resolve());
    });
    // A probe process must not keep the exporter alive.
    this.#child.unref();
    this.#child.channel?.unref();
    this.#awaitStart(startMs, '0 0');
  }

  /** The current question. */
  get oldest(): Asked | undefined {
    const [first] = this.#waiting.values();
    return first;
  }

  /** How many questions are unanswered. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Whether the process runs or waits for the CPU, so that it is not blocked, from `/proc/<pid>/stat`. */
  get isRunnable(): boolean {
    return this.#stat()[0] === 'R';
  }

  ask(asked: Asked): void {
    const id = nextId++;
    this.#waiting.set(id, asked);
    if (this.#waiting.size === 1) this.#watch();
    // Sends all questions of one event loop turn in one message.
    if (this.#unsent.length === 0) queueMicrotask(() => this.#send());
    this.#unsent.push({ ...asked.question, id });
  }

  /** Takes back all questions that another process can answer, and ignores replies to them. */
  takeBack(isWanted: (asked: Asked) => boolean): readonly Asked[] {
    const taken = [...this.#waiting].filter(([, asked]) => isWanted(asked));
    for (const [id] of taken) this.#waiting.delete(id);
    return taken.map(([, asked]) => asked);
  }

  /** Ends the process once it has no questions left. */
  disconnect(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Ends it now, or once its look-up returns if it is in an uninterruptible wait. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Until it is ready, silence says nothing about a path. @param before its CPU time at the last look. */
  #awaitStart(ms: number, before: string): void {
    const look = (): void => {
      const [state, ...fields] = this.#stat();
      const cpu = fields.slice(USER_TIME, SYSTEM_TIME + 1).join(' ');
      if (state === 'R' || (state !== undefined && cpu !== before)) this.#awaitStart(ms, cpu);
      else this.kill();
    };
    this.#timer = setTimeout(look, ms).unref();
  }

  /** The fields of its `/proc/<pid>/stat` from the third, its state; empty if it is gone. */
  #stat(): readonly string[] {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    } catch {
      return [];
    }
  }

  #send(): void {
    const requests = this.#unsent;
    this.#unsent = [];
    // The callback takes the error of a channel that is closing; `exit` follows.
    if (this.#child.connected) this.#child.send(requests, () => {});
  }

  #onMessage(message: Reply | 'ready'): void {
    if (message === 'ready') {
      this.#ready = true;
      this.#watch();
      return;
    }
    const asked = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    this.#watch();
    asked?.settle(message);
    this.#listeners.onReply(this, asked?.subject);
  }

  /** Reports how long the oldest question has been waiting. */
  #watch(): void {
    if (!this.#ready) return;
    clearTimeout(this.#timer);
    this.#watches += 1;
    const now = performance.now();
    const subject = this.oldest?.subject;
    if (subject === undefined) this.#current = undefined;
    else if (this.#current?.subject !== subject) this.#current = { subject, since: now };
    if (this.#current !== undefined) this.#report(0, { question: now, subject: this.#current });
  }

  /** Reports the nth of {@link SILENCES_MS}, and then the next. @param since when the question became the oldest, and its subject. */
  #report(nth: number, since: { readonly question: number; readonly subject: { since: number } }): void {
    const ms = SILENCES_MS[nth];
    if (ms === undefined) return;
    const watch = this.#watches;
    const report = (): void => {
      // It has replied.
      if (watch !== this.#watches) return;
      // A process that waits for the CPU does not wait for a file system.
      if (this.isRunnable) {
        const now = performance.now();
        since.subject.since = now;
        this.#report(nth, { ...since, question: now });
        return;
      }
      this.#report(nth + 1, since);
      this.#listeners.onSilent(this, ms);
    };
    // The timer comes first if this process had no CPU meanwhile. The replies that are there are read before `report`.
    // Node 24 warns of a negative time.
    const from = nth === SILENCES_MS.length - 1 ? since.question : since.subject.since;
    const rest = Math.max(0, from + ms - performance.now());
    this.#timer = setTimeout(() => setImmediate(report), rest).unref();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#watches += 1;
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const asked of left) asked.settle(undefined);
    this.#listeners.onEnd(this);
  }
}
