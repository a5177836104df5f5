import { readFileSync, readdirSync } from 'node:fs';

/** A fleet of hosts with as many containers on each. */
export interface Fleet {
  readonly hosts: number;
  readonly containersPerHost: number;
  /** How long a container lives under its name, in hours: a new pod has a new name, and so new series. */
  readonly lifeHours: number;
}

/** What one exporter exports, counted in an exposition. */
interface Exposition {
  readonly perContainer: number;
  readonly perHost: number;
  /** The length of a line about a container, in bytes. */
  readonly lineBytes: number;
}

/** Bytes of a compressed sample on disk, and of a series in memory with its labels and its index: Prometheus' own rules of thumb. */
const DISK_BYTES = 1.5;
const MEMORY_BYTES = 4096;
/** How many series one Prometheus holds without trouble. */
const SERIES_PER_SHARD = 5e6;

/**
 * What the bench has measured on real containers: docs/performance.md has samples per container, and of a whole exposition. The length
 * of a line is that of the golden output.
 */
export function measuredExposition(root: URL): Exposition {
  const page = readFileSync(new URL('docs/performance.md', root), 'utf8');
  const number = (text = '') => Number(text.replace(',', ''));
  const perContainer = number(/^\| Samples per container .*?([\d,]+) \|$/m.exec(page)?.[1]);
  const [, containers, samples] = /^\| +([\d,]+) \| ours .*?([\d,]+) \|$/m.exec(page) ?? [];
  const golden = new URL('test/golden/guest-v2-docker-systemd/', root);
  const lines = readdirSync(golden)
    .flatMap((file) => readFileSync(new URL(file, golden), 'utf8').split('\n'))
    .filter((line) => /^[^#]*[{,]container="/.test(line));
  const cost = {
    perContainer,
    perHost: number(samples) - number(containers) * perContainer,
    lineBytes: Math.round(lines.join('\n').length / lines.length),
  };
  if (!Object.values(cost).every((value) => value > 0))
    throw new Error('docs/performance.md does not say how many samples there are');
  return cost;
}

/** Tables of docs/fleet.md. */
export function fleetTable({ hosts, containersPerHost, lifeHours }: Fleet, measured: Exposition): string {
  const host = measured.perHost + containersPerHost * measured.perContainer;
  const series = hosts * host;
  const rows = [15, 30, 60].map((interval) => {
    const perSecond = series / interval;
    return [
      `${interval} s`,
      `${millions(perSecond)}`,
      `${giga(perSecond * 86_400 * DISK_BYTES)} GB`,
      `${giga((hosts / interval) * host * measured.lineBytes * 8)} Gbit/s`,
    ];
  });
  const born = (hosts * containersPerHost * measured.perContainer) / lifeHours;
  const shards = Math.ceil(series / SERIES_PER_SHARD);
  return [
    `For ${hosts.toLocaleString('en')} hosts with ${containersPerHost} containers each:`,
    '',
    `- **${millions(series)} series**: ${measured.perContainer} of each container and ${measured.perHost} of each host, so ${host.toLocaleString('en')} of each target;`,
    `- **${giga(series * MEMORY_BYTES)} GB of memory** at ${MEMORY_BYTES / 1024} KiB for each series: ${shards} Prometheus with up to ${millions(SERIES_PER_SHARD)} series each;`,
    `- **${millions(born)} new series in each hour**, if a container lives under its name for ${lifeHours} h.`,
    '',
    '| Scrape interval | Samples per second | On disk per day | Scraped, before gzip |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}

function millions(value: number): string {
  return `${(value / 1e6).toFixed(1)} million`;
}

function giga(bytes: number): string {
  const value = bytes / 1e9;
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}
