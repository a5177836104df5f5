/** What a script left behind. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; 124 or 137 for a script that was ended because its time was up. */
  readonly code: number;
}

/** A script that goes on running, such as a daemon. */
export interface Background extends AsyncDisposable {
  /** What it has written so far. */
  output(): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** Its exit code; `undefined` while it runs. */
  exitCode(): Promise<number | undefined>;
  /** Signals the script and all that it started in its process group. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** SIGTERM, then SIGKILL if it has not ended within ten seconds (longer on an emulated machine). */
  stop(): Promise<void>;
}

/** A place where bash scripts run as root: this host, or the guest. Suites that take one run on both. */
export interface Machine {
  readonly name: string;
  /** How much longer than on plain hardware things may take: multiply time-outs by it. */
  readonly slowness: number;
  /** Runs a bash script to its end. A time-out (60 s times `slowness` unless told) ends it and its process group. */
  run(script: string, options?: { readonly timeoutMs?: number }): Promise<Outcome>;
  /** Starts a bash script that is to go on running. */
  start(script: string): Promise<Background>;
}

/** How long a script may take on plain hardware when it is not said. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Runs a script that has to succeed and returns what it printed, without the last newline.
 *
 * @throws Error with the script, its exit code and what it wrote, if it fails.
 */
export async function succeed(
  machine: Machine,
  script: string,
  options: { readonly timeoutMs?: number } = {},
): Promise<string> {
  const { stdout, stderr, code } = await machine.run(script, options);
  if (code !== 0) {
    throw new Error(`On ${machine.name}, exit code ${code} from:\n${script}\nstderr: ${stderr}\nstdout: ${stdout}`);
  }
  return stdout.replace(/\n$/, '');
}

/** Quotes words for bash. */
export function quote(...words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** An error after which it is of no use to ask again. */
export class Hopeless extends Error {}

/**
 * Asks again and again until the answer is not `undefined`.
 *
 * @throws Error that names `what`, after `timeoutMs`; its cause is the last error of `ask`. {@link Hopeless} at once.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  options: { readonly timeoutMs: number; readonly everyMs?: number },
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      cause = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Not within ${options.timeoutMs / 1000} s: ${what}`, { cause });
    }
    await sleep(options.everyMs ?? 100);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
