/** The result of a script. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; 124 or 137 after a timeout. */
  readonly code: number;
}

/** A script that keeps running, such as a daemon. */
export interface Background extends AsyncDisposable {
  /** Its output so far. */
  output(): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** The exit code of the script; `undefined` while it runs. */
  exitCode(): Promise<number | undefined>;
  /** Signals the script and its process group. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** SIGTERM, then SIGKILL if it has not ended within ten seconds (longer on an emulated machine). */
  stop(): Promise<void>;
}

/** A machine that runs bash scripts as root: this host, or the guest. Suites that accept one run on both. */
export interface Machine {
  readonly name: string;
  /** The factor for timeouts, compared with real hardware. */
  readonly slowness: number;
  /** Runs a bash script to its end. A time-out (60 s times `slowness` unless told) ends it and its process group. */
  run(script: string, options?: { readonly timeoutMs?: number }): Promise<Outcome>;
  /** Starts a bash script that keeps running. */
  start(script: string): Promise<Background>;
}

/** The default timeout of a script on real hardware. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Runs a script that must succeed, and returns its output without the last newline.
 *
 * @throws Error with the script, its exit code and its output, if it fails.
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

/** An error after which retrying is pointless. */
export class Hopeless extends Error {}

/**
 * Retries until the answer is not `undefined`.
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
