import { fileURLToPath } from 'node:url';
import { type ParsedSample, parseExposition } from '../exposition.ts';
import { eventually, type Machine, quote, succeed } from './machine.ts';

/** The built exporter. It must have this path on every machine of the lab. */
const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** The built exporter, running on a machine of the lab. */
export interface Exporter extends AsyncDisposable {
  /** The address of the exporter, as `host:port`. */
  readonly address: string;
  scrape(): Promise<Samples>;
  /** The log so far, oldest line first. */
  log(): Promise<readonly LogLine[]>;
  /** Sends a signal to the exporter. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** The result of one scrape. */
export interface Samples {
  /** The body, in the text format. */
  readonly text: string;
  readonly all: readonly ParsedSample[];
  /** The value of the one series with this name and at least these labels; `undefined` if there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  /** The labels of that series. */
  labels(name: string, labels: Readonly<Record<string, string>>): ReadonlyMap<string, string> | undefined;
}

/** A line of the log: `level`, `msg` and the facts. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface ExporterOptions {
  readonly flags: readonly string[];
  /** Wraps its command line in a script, to run it as another user or elsewhere. */
  readonly script?: (command: string) => string;
  /** A command prefix to reach the exporter, if it has its own network. */
  readonly reachBy?: () => Promise<string>;
}

/**
 * Starts the exporter on a free loopback port and waits until it has answered. Podman and CRI are off unless a flag
 * enables them.
 */
export async function startExporter(machine: Machine, options: ExporterOptions): Promise<Exporter> {
  const { flags, script = (command) => `exec ${command}`, reachBy = () => '' } = options;
  const command = [process.execPath, PROGRAM, '--web.listen-address=127.0.0.1:0', '--log.format=json'];
  const daemon = await machine.start(script(quote(...command, '--podman.host=', '--cri.endpoint=', ...flags)));
  const timeoutMs = 30_000 * machine.slowness;
  const log = async (): Promise<readonly LogLine[]> => linesOf((await daemon.output()).stderr);
  try {
    const address = await eventually(
      'the exporter listens',
      async () => addressIn(await log()) ?? ((await daemon.exitCode()) === undefined ? undefined : 'ended'),
      { timeoutMs, everyMs: 20 },
    );
    if (address === 'ended') throw new Error('It has ended');
    const scrape = async (): Promise<Samples> => {
      const seconds = 20 * machine.slowness;
      return samplesOf(
        await get(machine, `${await reachBy()} curl -sS --fail -m ${seconds} http://${address}/metrics`),
      );
    };
    await eventually('the exporter answers', scrape, { timeoutMs });
    const kill = (signal: NodeJS.Signals): Promise<void> => daemon.kill(signal);
    return { address, scrape, log, kill, [Symbol.asyncDispose]: () => daemon.stop() };
  } catch (error) {
    await daemon.stop();
    throw new Error(`The exporter did not come up: ${JSON.stringify(await daemon.output())}`, { cause: error });
  }
}

/** Every byte counts: the last newline is part of the format. */
async function get(machine: Machine, script: string): Promise<string> {
  return `${await succeed(machine, script)}\n`;
}

/** Only complete lines of the exporter, not those of a wrapper. */
function linesOf(stderr: string): readonly LogLine[] {
  const lines = stderr.split('\n').slice(0, -1);
  return lines.filter((line) => line.startsWith('{')).map((line): LogLine => JSON.parse(line));
}

function addressIn(log: readonly LogLine[]): string | undefined {
  const addresses = log.find(({ msg }) => msg === 'listening')?.['addresses'];
  return Array.isArray(addresses) ? String(addresses[0]) : undefined;
}

/** Parses the result of a scrape. */
export function samplesOf(text: string): Samples {
  const all = parseExposition(text, 'text').flatMap(({ samples }) => samples);
  const find = (name: string, labels: Readonly<Record<string, string>>): ParsedSample | undefined =>
    all.find(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([key, value]) => new Map(Object.entries(sample.labels)).get(key) === value),
    );
  return {
    text,
    all,
    value: (name, labels = {}) => find(name, labels)?.value,
    labels(name, labels) {
      const found = find(name, labels);
      return found === undefined ? undefined : new Map(Object.entries(found.labels));
    },
  };
}
