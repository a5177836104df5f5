import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { startAlertmanager } from '../lab/alertmanager.ts';
import { composeServices } from '../lab/compose.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { quote, succeed } from '../lab/machine.ts';
import { newerDebianProgram } from '../lab/newer-debian.ts';
import { RENDERINGS, renderedFile } from '../chart.ts';
import { type KubernetesObject, schemaErrors } from '../kubernetes-schema.ts';
import { kustomizeBuild, objectsIn } from './kustomize.ts';
import { startConfiguredPrometheus, startPrometheus } from './prometheus.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const textOf = (path: string) => readFileSync(`${DEPLOY}/${path}`, 'utf8');

describeLive('the compose file', ['newer-debian'], () => {
  const config = (file: string): string =>
    `${newerDebianProgram('docker-compose')} -f ${file} config --no-interpolate --format json`;

  test('is one', async () => {
    const script = config(quote(`${DEPLOY}/docker/compose.yaml`));
    const { services } = JSON.parse(await succeed(host, script)) as {
      readonly services: Readonly<Record<string, Service>>;
    };
    // Mounted files must exist: Docker would create a directory with that name.
    const own = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.filter(({ source }) => source.startsWith(DEPLOY.replace(/deploy$/, ''))),
    );
    expect(own.length).toBeGreaterThan(3);
    for (const { source } of own) await succeed(host, `test -e ${quote(source)}`);
    for (const [name, { image }] of Object.entries(services)) expect(image, name).toMatch(/:v?\d+\.\d+\.\d+$/);
  });

  test('is validated: an invalid file is rejected', async () => {
    const outcome = await host.run(
      `cd "$(mktemp -d)" && sed s/cap_drop/cap_dropped/ ${quote(DEPLOY)}/docker/compose.yaml > it.yaml && ${config('it.yaml')}`,
    );
    expect(outcome.stderr).toContain("'cap_dropped' not allowed");
  });
});

describeLive('the health checks of the compose file', ['newer-debian', 'alertmanager'], () => {
  const { prometheus, alertmanager } = composeServices() as unknown as Record<
    'prometheus' | 'alertmanager',
    { readonly healthcheck: { readonly test: readonly string[] } }
  >;
  const check = async ({ healthcheck }: typeof prometheus, program: string, address: string) => {
    const [kind, , ...rest] = healthcheck.test;
    expect(kind).toBe('CMD');
    const words = rest.map((word) => word.replace(/127\.0\.0\.1:\d+/, address));
    return (await host.run(`${program} ${quote(...words)}`)).code;
  };

  test('tell a running Prometheus from one that does not answer', async () => {
    const promtool = newerDebianProgram('promtool');
    const server = await startPrometheus(host, '127.0.0.1:1');
    expect(await check(prometheus, promtool, server.address)).toBe(0);
    await server[Symbol.asyncDispose]();
    expect(await check(prometheus, promtool, server.address)).not.toBe(0);
  });

  test('tell a running Alertmanager from one that does not answer', async () => {
    const server = await startAlertmanager(host, textOf('alertmanager/alertmanager.yml'));
    expect(await check(alertmanager, 'amtool', server.address)).toBe(0);
    await server[Symbol.asyncDispose]();
    expect(await check(alertmanager, 'amtool', server.address)).not.toBe(0);
  });
});

describeLive('the kustomizations', ['newer-debian'], () => {
  const overlays = ['base', ...readdirSync(`${DEPLOY}/kubernetes/overlays`).map((name) => `overlays/${name}`)];

  test.each(overlays)('%s gives what the API takes', async (path) => {
    const objects = await kustomizeBuild(path);
    expect(schemaErrors(objects)).toEqual([]);
    const kinds = objects.map(({ kind }) => kind);
    const expected = ['Namespace', 'ServiceAccount', 'ResourceQuota', 'DaemonSet', 'NetworkPolicy', 'ConfigMap'];
    expect([...new Set(kinds)].toSorted()).toEqual(
      [...expected, ...(path.endsWith('without-operator') ? [] : ['PodMonitor', 'PrometheusRule'])].toSorted(),
    );
  });

  const container = async (path: string) => {
    const objects = await kustomizeBuild(path);
    const daemonSet = objects.find(({ kind }) => kind === 'DaemonSet') as unknown as DaemonSet;
    return daemonSet.spec.template.spec.containers[0];
  };

  test('cri has the socket of the runtime, and nothing else has', async () => {
    const [base, cri] = [await container('base'), await container('overlays/cri')];
    const endpoint = ({ env }: Container) =>
      env.filter(({ name }) => name === 'ISOLATION_EXPORTER_CRI_ENDPOINT').map(({ value }) => value);
    expect(endpoint(base)).toEqual(['']);
    const [path = ''] = endpoint(cri);
    const mounts = cri.volumeMounts.map(({ mountPath }) => mountPath);
    expect(mounts.filter((mount) => path.startsWith(`unix://${mount}/`))).toHaveLength(1);
    expect(mounts).toEqual(expect.arrayContaining(base.volumeMounts.map(({ mountPath }) => mountPath)));
    expect(cri.securityContext).toEqual(base.securityContext);
  });

  test('kmsg is privileged, and nothing else is', async () => {
    const [base, kmsg] = [await container('base'), await container('overlays/kmsg')];
    expect(base.securityContext).toMatchObject({ capabilities: { drop: ['ALL'], add: ['SYS_PTRACE', 'SYSLOG'] } });
    expect(base.securityContext).not.toHaveProperty('privileged');
    expect(kmsg.securityContext).toMatchObject({ privileged: true });
    // The API rejects these settings in a privileged container.
    expect(kmsg.securityContext).not.toHaveProperty('capabilities');
    expect(kmsg.securityContext).not.toHaveProperty('allowPrivilegeEscalation');
    expect(kmsg.volumeMounts.map(({ mountPath }) => mountPath)).toContain('/dev/kmsg');
    const isOff = ({ env }: Container) => env.some(({ name }) => name === 'ISOLATION_EXPORTER_PATH_KMSG');
    expect([base, kmsg].map(isOff)).toEqual([true, false]);
  });
});

describeLive('the kept renderings of the chart', ['newer-debian'], () => {
  const comparable = Object.keys(RENDERINGS).filter((name) => name !== 'everything');

  test.each(comparable)('%s is what the kustomization gives', async (name) => {
    const left = objectsIn(readFileSync(renderedFile(name), 'utf8'));
    // Boards and rules are not kept.
    const kustomized = (await kustomizeBuild(name)).filter(
      ({ kind }) => !['Namespace', 'ConfigMap', 'PrometheusRule'].includes(kind),
    );
    expect(comparison(left)).toEqual(comparison(kustomized));
  });

  /** Without the version, and in the same order: in the API, lists of named things are maps. */
  function comparison(objects: readonly KubernetesObject[]): unknown {
    const text = JSON.stringify(objects.toSorted((a, b) => (a.kind < b.kind ? -1 : 1)));
    return JSON.parse(text.replace(/(?<="isolation-exporter:)[^"]+/, 'VERSION'), (_, value: unknown) =>
      Array.isArray(value) && value.every((item: { name?: unknown }) => typeof item.name === 'string')
        ? (value as { name: string }[]).toSorted((a, b) => (a.name < b.name ? -1 : 1))
        : value,
    );
  }
});

describeLive('the scrape configurations', ['prometheus'], () => {
  const files = readdirSync(`${DEPLOY}/prometheus/scrape`).filter((name) => name.endsWith('.yml'));
  let exporter: Exporter;
  beforeAll(async () => {
    exporter = await startExporter(host, { flags: ['--docker.host='] });
  });
  afterAll(() => exporter?.[Symbol.asyncDispose]());

  test.each(files)('%s is valid', async (name) => {
    const config = parse(textOf(`prometheus/scrape/${name}`)) as ScrapeFile;
    // Debian's Prometheus is built without Kubernetes discovery, so it checks everything except the discovery itself.
    for (const job of config.scrape_configs) {
      if (job.kubernetes_sd_configs === undefined) continue;
      expect(job.kubernetes_sd_configs).toEqual([{ role: 'pod', namespaces: { names: ['isolation-exporter'] } }]);
      delete job.kubernetes_sd_configs;
    }
    const outcome = await host.run(
      `work=$(mktemp -d) && trap 'rm -r "$work"' EXIT && cp -r ${quote(`${DEPLOY}/prometheus/scrape/targets`)} "$work"
      cat > "$work/it.yml" <<'END'\n${stringify(config)}\nEND
      promtool check config --lint-fatal "$work/it.yml"`,
    );
    expect(outcome.code, outcome.stdout + outcome.stderr).toBe(0);
    expect(outcome.stdout).not.toContain('WARNING');
  });

  test('the stack of the compose file is valid', async () => {
    const config = parse(textOf('docker/prometheus.yml')) as object;
    const outcome = await host.run(
      `work=$(mktemp -d) && trap 'rm -r "$work"' EXIT && cp ${quote(`${DEPLOY}/prometheus/alerts.yml`)} "$work"
      cat > "$work/it.yml" <<'END'\n${stringify(config)}\nEND
      promtool check config --lint-fatal "$work/it.yml"`,
    );
    expect(outcome.code, outcome.stdout + outcome.stderr).toBe(0);
  });

  test.each(['PodMonitor', 'kubernetes-sd.yml'])('with %s no sample has the labels of the exporter', async (by) => {
    const job = by === 'PodMonitor' ? jobOfPodMonitor() : jobOfFile(by);
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [{ ...job.options, static_configs: [{ targets: [exporter.address], labels: job.labels }] }],
    };
    await using prometheus = await startConfiguredPrometheus(host, { 'prometheus.yml': stringify(config) });
    const target = { instance: 'node-1', job: 'isolation-exporter' };
    expect(await prometheus.labels('up')).toEqual([{ __name__: 'up', ...target }]);
    const [ofHost] = await prometheus.labels('isolation_host_oom_kills_total');
    expect(ofHost).toEqual({ __name__: 'isolation_host_oom_kills_total', ...target });
  });
});

/** Labels that Prometheus discovers for the exporter's pod, and that relabelling drops. */
const DISCOVERED = {
  __meta_kubernetes_pod_node_name: 'node-1',
  __meta_kubernetes_pod_label_app_kubernetes_io_name: 'isolation-exporter',
  __meta_kubernetes_pod_container_port_name: 'metrics',
};

interface Job {
  /** A scrape configuration without its discovery. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The labels of a discovered target. */
  readonly labels: Readonly<Record<string, string>>;
}

function jobOfFile(name: string): Job {
  const [job] = (parse(textOf(`prometheus/scrape/${name}`)) as ScrapeFile).scrape_configs;
  const { kubernetes_sd_configs: _, ...options } = job ?? {};
  return { options, labels: DISCOVERED };
}

/** The relabelling that the operator creates from the PodMonitor: its own labels first, then those of the endpoint. */
function jobOfPodMonitor(): Job {
  const { spec } = parse(textOf('kubernetes/base/podmonitor.yaml')) as PodMonitor;
  const [endpoint] = spec.podMetricsEndpoints;
  const fromPod = `__meta_kubernetes_pod_label_${spec.jobLabel.replaceAll(/\W/g, '_')}`;
  return {
    options: {
      job_name: 'the operator has names of its own',
      honor_labels: endpoint.honorLabels,
      relabel_configs: [
        { source_labels: [fromPod], target_label: 'job' },
        ...endpoint.relabelings.map(({ sourceLabels, targetLabel, ...rest }) => ({
          ...rest,
          ...(sourceLabels && { source_labels: sourceLabels }),
          ...(targetLabel !== undefined && { target_label: targetLabel }),
        })),
      ],
    },
    labels: {
      ...DISCOVERED,
      namespace: 'isolation-exporter',
      pod: 'isolation-exporter-x',
      container: 'isolation-exporter',
      endpoint: endpoint.port,
    },
  };
}

interface Service {
  readonly image: string;
  readonly volumes?: readonly { readonly source: string }[];
}

interface DaemonSet {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly [Container] } } };
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly mountPath: string }[];
}

interface ScrapeFile {
  readonly scrape_configs: { kubernetes_sd_configs?: unknown }[];
}

interface PodMonitor {
  readonly spec: {
    readonly jobLabel: string;
    readonly podMetricsEndpoints: readonly [
      {
        readonly port: string;
        readonly honorLabels: boolean;
        readonly relabelings: readonly { readonly sourceLabels?: readonly string[]; readonly targetLabel?: string }[];
      },
    ];
  };
}
