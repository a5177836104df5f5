import { describeLive } from '../lab/live.ts';
import { eventually, type Machine, succeed } from '../lab/machine.ts';
import { newerDebianProgram } from '../lab/newer-debian.ts';
import { describeOnReleases } from '../lab/on-prometheus-releases.ts';
import { OLDEST, type PrometheusRelease } from '../lab/prometheus-releases.ts';
import { type QueryApi, queryApi, startConfiguredPrometheus } from './prometheus.ts';

/** A server that scrapes, and answers queries. */
export interface Scraper extends AsyncDisposable, QueryApi {}

/** A kind of such servers. */
export interface ScraperKind {
  readonly name: string;
  /** The release of Prometheus; `undefined`: VictoriaMetrics. */
  readonly release: PrometheusRelease | undefined;
  /** Starts one with a configuration in the format of Prometheus. */
  start(machine: Machine, config: string): Promise<Scraper>;
}

const ofRelease = (release: PrometheusRelease): ScraperKind => ({
  name: release.name,
  release,
  start: (machine, config) =>
    startConfiguredPrometheus(machine, { 'prometheus.yml': config }, { release, features: release.features }),
});

/** The oldest Prometheus, with which the others are compared. */
export const OLDEST_SCRAPER = ofRelease(OLDEST);

/** A single node of VictoriaMetrics. */
export interface VictoriaMetrics extends Scraper {
  /** Adds samples in the text format, at the time stamp in ms of each line, or now. `parameters` are those of its API. */
  load(samples: string, parameters?: Readonly<Record<string, string>>): Promise<void>;
  /** All samples of the series with these labels, as lines of JSON. */
  dump(selector: string): Promise<string>;
}

/** A suite for each release of Prometheus, and for VictoriaMetrics. */
export function describeOnScrapers(name: string, suite: (kind: ScraperKind) => void): void {
  describeOnReleases(name, (release) => suite(release === OLDEST ? OLDEST_SCRAPER : ofRelease(release)));
  describeLive(`${name}, VictoriaMetrics`, ['newer-debian', 'prometheus'], () =>
    suite({ name: 'VictoriaMetrics', release: undefined, start: startVictoriaMetrics }),
  );
}

/** Starts a single node of VictoriaMetrics, and waits for the first scrape. */
export async function startVictoriaMetrics(machine: Machine, config: string): Promise<VictoriaMetrics> {
  const directory = await succeed(machine, 'mktemp -d /tmp/isolation-exporter-victoria-XXXXXX');
  // By default it hides the last 30 s of data from queries.
  const daemon = await machine.start(
    `cat > ${directory}/prometheus.yml <<'END'\n${config}\nEND
    exec ${newerDebianProgram('victoria-metrics')} -promscrape.config=${directory}/prometheus.yml \\
      -storageDataPath=${directory}/data -httpListenAddr=127.0.0.1:0 -search.latencyOffset=0s -memory.allowedBytes=256MB`,
  );
  const stop = async () => {
    await daemon.stop();
    await succeed(machine, `rm -rf ${directory}`);
  };
  const timeoutMs = 60_000 * machine.slowness;
  try {
    const address = await eventually(
      'VictoriaMetrics listens',
      async () => /started server at http:\/\/([^/]+)\//.exec((await daemon.output()).stderr)?.[1],
      { timeoutMs },
    );
    const api = queryApi(machine, address);
    await eventually('VictoriaMetrics scrapes', () => api.value('up'), { timeoutMs });
    const ask = async (path: string, parameters: Readonly<Record<string, string>>, body?: string): Promise<string> => {
      const url = `http://${address}/${path}?${new URLSearchParams(parameters).toString()}`;
      const answer = await fetch(url, body === undefined ? {} : { method: 'POST', body });
      if (!answer.ok) throw new Error(`VictoriaMetrics answers ${path} with ${answer.status}: ${await answer.text()}`);
      return answer.text();
    };
    const load = async (samples: string, parameters: Readonly<Record<string, string>> = {}): Promise<void> => {
      await ask('api/v1/import/prometheus', parameters, samples);
    };
    const dump = async (selector: string): Promise<string> => {
      // Otherwise samples can be read only after seconds.
      await ask('internal/force_flush', {});
      return ask('api/v1/export', { 'match[]': selector });
    };
    return { ...api, load, dump, [Symbol.asyncDispose]: stop };
  } catch (error) {
    const { stderr } = await daemon.output();
    await stop();
    throw new Error(`VictoriaMetrics does not scrape. Its log:\n${stderr}`, { cause: error });
  }
}
