import { writeFileSync } from 'node:fs';
import { host } from '../lab/host.ts';
import { OLDEST, type PrometheusRelease } from '../lab/prometheus-releases.ts';
import { eventually, type Machine, quote, succeed } from '../lab/machine.ts';

/** The API for queries of Prometheus, which VictoriaMetrics has too. */
export interface QueryApi {
  /** The value of the only series in a query's result; `undefined` if there is none. */
  value(query: string): Promise<number | undefined>;
  /** The labels of each series in a query's result. @param at the time of the query, in seconds since the epoch; now if not given. */
  labels(query: string, at?: number): Promise<readonly Readonly<Record<string, string>>[]>;
  /** The answer of the API. Throws if it is an error. */
  ask(path: string): Promise<unknown>;
}

/** A Prometheus with one target. */
export interface Prometheus extends AsyncDisposable, QueryApi {
  /** Its address, as `host:port`. */
  readonly address: string;
  /** The type of a family in the target's metadata. */
  typeOf(family: string): Promise<string | undefined>;
  /** Log lines above the level info. */
  complaints(): Promise<readonly string[]>;
}

/** Starts Prometheus on a free port of loopback, with a target that it scrapes each second, and waits for the first scrape. */
export function startPrometheus(
  machine: Machine,
  target: string,
  options: { readonly release?: PrometheusRelease; readonly features?: readonly string[] } = {},
): Promise<Prometheus> {
  const config = `{ global: { scrape_interval: 1s }, scrape_configs: [{ job_name: isolation-exporter, static_configs: [{ targets: ['${target}'] }] }] }`;
  return startConfiguredPrometheus(machine, { 'prometheus.yml': config }, options);
}

/** Starts any release with any feature flags, and with these files in its directory, including `prometheus.yml`. */
export async function startConfiguredPrometheus(
  machine: Machine,
  files: Readonly<Record<string, string>>,
  options: {
    readonly release?: PrometheusRelease;
    readonly features?: readonly string[];
    /** Earlier samples: OpenMetrics with a time stamp in each line. On this host only. */
    readonly history?: string;
  } = {},
): Promise<Prometheus> {
  const { release = OLDEST, features = [], history } = options;
  const directory = await succeed(machine, 'mktemp -d /tmp/isolation-exporter-prometheus-XXXXXX');
  const write = Object.entries(files).map(([name, text]) => `cat > ${directory}/${name} <<'END'\n${text}\nEND\n`);
  if (history !== undefined) {
    writeFileSync(`${directory}/history`, history);
    const load = `${release.promtool} tsdb create-blocks-from openmetrics ${directory}/history ${directory}/data`;
    await succeed(machine, load);
  }
  const daemon = await machine.start(
    `${write.join('')}
    exec ${release.prometheus} --config.file=${directory}/prometheus.yml --storage.tsdb.path=${directory}/data \\
      --web.listen-address=127.0.0.1:0 ${features.length > 0 ? `--enable-feature=${features.join(',')}` : ''}`,
  );
  const stop = async () => {
    await daemon.stop();
    await succeed(machine, `rm -rf ${directory}`);
  };
  const log = async () => (await daemon.output()).stderr.split('\n');
  const timeoutMs = 60_000 * machine.slowness;
  try {
    const address = await eventually(
      'Prometheus listens',
      async () => /msg="Listening on"(?: component=\S+)? address=(\S+)/.exec((await daemon.output()).stderr)?.[1],
      { timeoutMs },
    );
    const api = queryApi(machine, address);
    const prometheus: Prometheus = {
      ...api,
      address,
      typeOf: async (family) =>
        ((await api.ask(`targets/metadata?metric=${family}`).catch(() => [])) as { type: string }[])[0]?.type,
      complaints: async () => (await log()).filter((line) => line !== '' && !/\blevel=info\b/i.test(line)),
      [Symbol.asyncDispose]: stop,
    };
    await eventually('Prometheus scrapes', () => prometheus.value('up'), { timeoutMs });
    return prometheus;
  } catch (error) {
    const said = (await log()).join('\n');
    await stop();
    throw new Error(`Prometheus does not scrape. Its log:\n${said}`, { cause: error });
  }
}

/** The API of a server on a machine. */
export function queryApi(machine: Machine, address: string): QueryApi {
  const ask = async (path: string): Promise<unknown> => {
    const url = `http://${address}/api/v1/${path}`;
    // Thousands of queries are asked here, and a process for each takes longer than the answer.
    const body =
      machine === host ? await get(url) : await succeed(machine, `curl -sS --fail-with-body -m 20 ${quote(url)}`);
    return (JSON.parse(body) as { data: unknown }).data;
  };
  const query = async (text: string, at?: number) =>
    (await ask(`query?query=${encodeURIComponent(text)}${at === undefined ? '' : `&time=${at}`}`)) as Vector;
  return {
    ask,
    async value(text) {
      const [series] = (await query(text)).result;
      return series === undefined ? undefined : Number(series.value[1]);
    },
    labels: async (text, at) => (await query(text, at)).result.map(({ metric }) => metric),
  };
}

async function get(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${body}`);
  return body;
}

interface Vector {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }[];
}
