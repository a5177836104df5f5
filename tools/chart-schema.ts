import { collectors } from '../src/collectors/index.ts';
import { OPTIONS } from '../src/config/options.ts';
import { ALL_FINDINGS, CREATED_TIMESTAMPS, DISABLE_DEFAULTS } from '../src/config/switches.ts';

/** A JSON Schema. */
type Schema = Readonly<Record<string, unknown>>;

/** Flags that have values of their own in the chart, or that would contradict its manifests. */
export const SET_BY_CHART: readonly string[] = [
  'web.listen-address',
  'path.cgroupfs',
  'path.procfs',
  'path.kmsg',
  'path.container-logs',
  'docker.host',
  'podman.host',
  'cri.endpoint',
  'oom.state-file',
];

/** `deploy/helm/isolation-exporter/values.schema.json`: a name that no template reads is an error, and so is an unknown flag. */
export function chartSchema(): string {
  return `${JSON.stringify(
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'Values of the chart isolation-exporter',
      ...record({
        // What Helm itself and a parent chart add.
        global: { type: 'object' },
        image: record({ repository: filled, tag: text, digest: matching('^(?:sha256:[0-9a-f]{64})?$'), pullPolicy }),
        imagePullSecrets: list({ type: 'object', required: ['name'] }),
        collectors: record(Object.fromEntries(collectors.map(({ name }) => [name, flag]))),
        options: record(options()),
        names: record({ containerLogs: flag }),
        cri: record({ enabled: flag, socket: matching(`^/.+/[^/]+$`) }),
        kmsg: record({ enabled: flag }),
        state: record({ hostPath: matching('^(?:/.+)?$') }),
        resources: { type: 'object' },
        tolerations: list({ type: 'object' }),
        nodeSelector: strings,
        affinity: { type: 'object' },
        priorityClassName: text,
        resourceQuota: record({ enabled: flag }),
        maxUnavailable: { type: ['string', 'integer'], pattern: '^\\d{1,3}%$', minimum: 1 },
        podLabels: labels,
        podAnnotations: strings,
        seLinuxType: text,
        probes: record({ scheme: { enum: ['HTTP', 'HTTPS'] }, httpHeaders: list({ type: 'object' }) }),
        extraVolumes: list({ type: 'object', required: ['name'] }),
        extraVolumeMounts: list({ type: 'object', required: ['name', 'mountPath'] }),
        networkPolicy: record({ enabled: flag, from: list({ type: 'object' }) }),
        podMonitor: record({
          enabled: flag,
          labels,
          interval: matching('^\\d+(?:ms|s|m|h)$'),
          // A key that the template has too would silently replace it.
          endpoint: without({ type: 'object' }, ['port', 'interval', 'scheme', 'honorLabels', 'relabelings']),
          relabelings: list({ type: 'object' }),
          sampleLimit: { type: 'integer', minimum: 0 },
        }),
        prometheusRule: record({ enabled: flag, labels, runbookUrl: matching('^https?://') }),
        dashboards: record({ enabled: flag, labels, annotations: strings }),
      }),
    },
    undefined,
    2,
  )}\n`;
}

const flag: Schema = { type: 'boolean' };
const text: Schema = { type: 'string' };
const filled: Schema = { type: 'string', minLength: 1 };
const pullPolicy: Schema = { enum: ['', 'Always', 'IfNotPresent', 'Never'] };
const strings: Schema = { type: 'object', additionalProperties: { type: 'string' } };
/** More labels beside that by which the objects find each other. */
const labels = without(strings, ['app.kubernetes.io/name']);

function matching(pattern: string): Schema {
  return { type: 'string', pattern };
}

function list(items: Schema): Schema {
  return { type: 'array', items };
}

function without(object: Schema, names: readonly string[]): Schema {
  return { ...object, properties: Object.fromEntries(names.map((name) => [name, false])) };
}

function record(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', additionalProperties: false, properties };
}

/** All other flags of the daemon. */
function options(): Readonly<Record<string, Schema>> {
  const entries = Object.values(OPTIONS)
    .filter((option) => option.commandLineOnly !== true && !SET_BY_CHART.includes(option.flag))
    .map(({ flag: name, help, words, repeatable }): [string, Schema] => [
      name,
      { description: help, ...(words === undefined ? valueOf(repeatable === true) : { enum: words }) },
    ]);
  const switches = [CREATED_TIMESTAMPS, ALL_FINDINGS, DISABLE_DEFAULTS].map(
    ({ flag: name, help }): [string, Schema] => [name, { description: help, ...flag }],
  );
  return Object.fromEntries([...entries, ...switches]);
}

function valueOf(repeatable: boolean): Schema {
  return repeatable ? { type: ['string', 'array'], items: filled } : { type: ['string', 'integer'] };
}
