#!/usr/bin/env -S node --max-semi-space-size=1
import { CommanderError } from 'commander';
import { collectors } from './collectors/index.ts';
import { UsageError, createConfig, readOption, readOptions } from './config/config.ts';
import { createLog } from './log.ts';
import type { Log } from './log.ts';
import { DIAGNOSE_OPTIONS, SCAN_OPTIONS } from './config/commands.ts';
import { createProgram, runProgram } from './config/command-line.ts';
import type { Flags } from './config/command-line.ts';
import { printable } from './terminal/printable.ts';
import { readVersion } from './version.ts';
import type { Version } from './version.ts';
import { errnoOf, toError } from './kernel/errno.ts';

/** How long the daemon may take to stop before the process exits anyway. */
const SHUTDOWN_MS = 2_000;

/**
 * How long after a signal another one is the same request, in ms: Ctrl-C reaches the daemon from the terminal and again from npm, and
 * `timeout` signals the process and its group.
 */
const SAME_REQUEST_MS = 500;

const FAILURE = 1;
/** Also any error of a scan, whose pipeline must tell it from a finding. */
const USAGE_ERROR = 2;

// A pager may close the pipe before the end of `--help`.
process.stdout.on('error', () => {});
process.exitCode = await main(process.argv.slice(2));
// Do not let a leftover handle keep the process alive.
setTimeout(() => process.exit(), SHUTDOWN_MS).unref();

async function main(argv: readonly string[]): Promise<number> {
  const version = readVersion();
  let code = 0;
  let failure = FAILURE;
  const program = createProgram({
    version,
    collectors,
    run: {
      serve: serveUntilSignal,
      scan: async (flags) => {
        failure = USAGE_ERROR;
        code = (await scan(flags, version)) ? 0 : FAILURE;
      },
      diagnose: async (flags) => {
        code = (await diagnose(flags, version)) ? 0 : FAILURE;
      },
    },
  });
  try {
    await runProgram(program, argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    process.stderr.write(`${version.name}: ${lineOf(error)}\n`);
    return error instanceof CommanderError || error instanceof UsageError ? USAGE_ERROR : failure;
  }
}

async function serveUntilSignal(flags: Flags): Promise<void> {
  const config = createConfig({ flags, environment: process.env, collectors });
  refuseOtherSystems();
  const log = createLog(config.log);
  if (config.unknownVariables.length > 0) {
    log.warn({ variables: config.unknownVariables }, 'ignoring unknown environment variables');
  }
  const signal = abortOnSignals(log);
  try {
    const { serve } = await import('./commands/serve.ts');
    await serve(config, { log, signal, environment: process.env });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return;
    log.debug({ error }, 'daemon stopped with an error');
    throw error;
  }
}

/** Returns whether nothing matched `--fail-on`. */
async function scan(flags: Flags, version: Version): Promise<boolean> {
  const sources = { flags, environment: process.env };
  const config = createConfig({ ...sources, collectors });
  const colour = colourOf(process.stdout);
  const [explained] = readOptions(SCAN_OPTIONS.explain, sources);
  const [standard] = readOptions(SCAN_OPTIONS.standard, sources);
  const [baseline] = readOptions(SCAN_OPTIONS.baseline, sources);
  const [newBaseline] = readOptions(SCAN_OPTIONS.writeBaseline, sources);
  const options = {
    output: readOption(SCAN_OPTIONS.output, sources),
    containers: readOptions(SCAN_OPTIONS.containers, sources),
    failOn: readOptions(SCAN_OPTIONS.failOn, sources),
    standard,
    baseline,
    newBaseline,
    version,
    colour,
  } as const;
  const { explain, scanHere } = await import('./commands/scan.ts');
  if (explained !== undefined) {
    await print(explain(explained, colour));
    return true;
  }
  refuseOtherSystems();
  const { text, complaints, passed } = await scanHere(config, options, createLog({ ...config.log, level: 'error' }));
  await print(text);
  for (const complaint of complaints) process.stderr.write(`${version.name}: ${lineOf(complaint)}\n`);
  return passed;
}

/** Returns whether all checks passed. */
async function diagnose(flags: Flags, version: Version): Promise<boolean> {
  const environment = process.env;
  const config = createConfig({ flags, environment, collectors });
  const output = readOption(DIAGNOSE_OPTIONS.output, { flags, environment });
  const remedies = readOption(DIAGNOSE_OPTIONS.remedies, { flags, environment });
  refuseOtherSystems();
  const { diagnoseHere } = await import('./commands/diagnose.ts');
  const colour = colourOf(process.stdout);
  const { text, passed } = await diagnoseHere(config, { output, remedies, environment, version, colour });
  await print(text);
  return passed;
}

/**
 * Writes to standard output. A reader that closes the pipe has seen enough. Otherwise a part that cannot be written is an error: the
 * report of a pipeline must not pass without the findings that a full disk has cut off.
 */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      const code = errnoOf(error);
      if (error === undefined || error === null || code === 'EPIPE') resolve();
      else reject(new Error(`Cannot write to standard output: ${code ?? error.message}`, { cause: error }));
    });
  });
}

function colourOf({ isTTY }: { readonly isTTY?: boolean }): 'on' | 'off' {
  const { NO_COLOR: noColour, TERM: terminal } = process.env;
  return isTTY === true && !noColour && terminal !== 'dumb' ? 'on' : 'off';
}

function refuseOtherSystems(): void {
  if (process.platform !== 'linux') throw new Error('This exporter runs on Linux only');
}

/**
 * The first SIGINT, SIGTERM or SIGHUP stops the daemon: there is nothing to reload, because changed files are read again. A later one, or
 * a daemon that does not stop in time, ends the process.
 */
function abortOnSignals(log: Log): AbortSignal {
  const controller = new AbortController();
  const force = (): void => {
    log.warn({}, 'forced to stop before shutdown was complete');
    process.exit(FAILURE);
  };
  let stoppingSince: number | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_REQUEST_MS) force();
      return;
    }
    stoppingSince = performance.now();
    log.info({ signal }, 'stopping');
    controller.abort();
    setTimeout(force, SHUTDOWN_MS).unref();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
  return controller.signal;
}

/** The error as one printable line. */
function lineOf(error: unknown): string {
  const message = toError(error).message;
  const line = printable(message.replace(/^error: /, '').replaceAll(/\s+/g, ' '));
  return line.length > 400 ? `${line.slice(0, 400)}…` : line;
}
