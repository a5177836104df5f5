import { type ParsedFamily, parseExposition } from '../../src/expose/encode-parser.ts';
import { type Background, eventually, type Machine, quote, succeed } from './machine.ts';

const PROGRAM = new URL('../../dist/cli.js', import.meta.url).pathname;

/** The built exporter, running on a machine of the lab. */
export interface Exporter extends AsyncDisposable {
  /** Scrapes it: the value of each series, by its name and the pairs of its labels. */
  scrape(): Promise<Samples>;
}

/** What one scrape said. */
export interface Samples {
  /** The value of the one series with this name and at least these labels; `undefined` if there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  /** The labels of that series. */
  labels(name: string, labels: Readonly<Record<string, string>>): ReadonlyMap<string, string> | undefined;
}

/** Starts the exporter on a port of loopback and waits until it answers. */
export async function startExporter(machine: Machine, port: number, flags: readonly string[]): Promise<Exporter> {
  const address = `127.0.0.1:${port}`;
  const daemon: Background = await machine.start(
    `exec node ${quote(PROGRAM, '--web.listen-address', address, '--podman.host=', ...flags)}`,
  );
  const fetched = `fetch('http://${address}/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))`;
  const scrape = async (): Promise<Samples> =>
    samplesOf(parseExposition(`${await succeed(machine, `node -e ${quote(fetched)}`)}\n`, 'text'));
  await eventually('the exporter answers', scrape, { timeoutMs: 30_000 * machine.slowness });
  return { scrape, [Symbol.asyncDispose]: () => daemon.stop() };
}

function samplesOf(families: readonly ParsedFamily[]): Samples {
  const samples = families.flatMap((family) => family.samples);
  const find: (name: string, labels: Readonly<Record<string, string>>) => (typeof samples)[number] | undefined = (
    name,
    labels,
  ) =>
    samples.find(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([key, value]) => new Map(Object.entries(sample.labels)).get(key) === value),
    );
  return {
    value: (name, labels = {}) => find(name, labels)?.value,
    labels(name, labels) {
      const found = find(name, labels);
      return found === undefined ? undefined : new Map(Object.entries(found.labels));
    },
  };
}
