import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_TIMEOUT_MS, eventually, Hopeless } from './machine.ts';
import type { Background, Outcome } from './machine.ts';

/** How much longer than a job's own time-out to wait before the machine counts as stuck. */
const GRACE_MS = 60_000;

/**
 * Runs scripts in a guest through a directory that both sides see (guest/agent.sh is the other end). Files need no
 * framing, can contain any bytes, allow concurrent jobs, and can still be inspected when a job hangs.
 */
export class GuestJobs {
  readonly #share: string;
  readonly #slowness: number;
  readonly #state: () => 'runs' | 'ended';

  constructor(share: string, slowness: number, state: () => 'runs' | 'ended') {
    this.#share = share;
    this.#slowness = slowness;
    this.#state = state;
  }

  /** Runs a script to its end. */
  async run(script: string, options: { readonly timeoutMs?: number }): Promise<Outcome> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS * this.#slowness;
    const job = this.#submit(script, Math.ceil(timeoutMs / 1000));
    const code = await eventually(`the guest answers to:\n${script}`, () => this.#codeOf(job), {
      timeoutMs: timeoutMs + GRACE_MS,
      everyMs: 30,
    });
    const outcome = { ...outputOf(job), code };
    rmSync(job, { recursive: true });
    return outcome;
  }

  /** Starts a script that keeps running. */
  async start(script: string): Promise<Background> {
    const job = this.#submit(script, 0);
    const pid = await eventually('the guest starts a script', () => numberIn(join(job, 'pid')), {
      timeoutMs: GRACE_MS,
    });
    const kill = async (signal: NodeJS.Signals) => {
      if (this.#codeOf(job) === undefined) await this.run(`kill -${signal.slice(3)} -- -${pid}`, {});
    };
    const stop = async () => {
      await kill('SIGTERM');
      try {
        const timeoutMs = 10_000 * this.#slowness;
        await eventually('a background script ends', () => this.#codeOf(job), { timeoutMs });
      } catch {
        await kill('SIGKILL');
        await eventually('a killed script ends', () => this.#codeOf(job), { timeoutMs: GRACE_MS });
      }
    };
    return {
      output: async () => outputOf(job),
      exitCode: async () => this.#codeOf(job),
      kill,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  }

  #submit(script: string, seconds: number): string {
    const name = `${process.pid}${process.hrtime.bigint()}`;
    const draft = join(this.#share, 'jobs', `draft-${name}`);
    const job = join(this.#share, 'jobs', name);
    mkdirSync(draft);
    writeFileSync(join(draft, 'script'), script);
    writeFileSync(join(draft, 'seconds'), `${seconds}\n`);
    renameSync(draft, job);
    return job;
  }

  #codeOf(job: string): number | undefined {
    const code = numberIn(join(job, 'code'));
    if (code === undefined && this.#state() === 'ended') throw new Hopeless('The guest has ended');
    return code;
  }
}

function outputOf(job: string): { readonly stdout: string; readonly stderr: string } {
  return { stdout: textOf(join(job, 'stdout')) ?? '', stderr: textOf(join(job, 'stderr')) ?? '' };
}

/** The number in a file; `undefined` while there is none. */
function numberIn(path: string): number | undefined {
  const text = textOf(path)?.trim();
  return text === undefined || text === '' ? undefined : Number(text);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
