import { type Static, type TProperties, type TSchema, Type } from '@sinclair/typebox';
import Ajv from 'ajv/dist/2020.js';
import { HEALTH_STATUSES } from '../src/container.ts';
import { CHECKED_STANDARDS } from '../src/findings/compliance.ts';
import { SEVERITIES } from '../src/findings/finding.ts';
import { STANDARDS } from '../src/findings/standards/references.ts';
import type { ScanJson } from '../src/scan/scan-json.ts';

/** Whether objects may have keys that the schema does not name. The published one allows those of later versions. */
type Openness = 'open' | 'closed';

/** The schema of the output of `scan --output=json`. */
export function scanSchema(openness: Openness) {
  const object = <Properties extends TProperties>(properties: Properties) =>
    Type.Object(properties, openness === 'closed' ? { additionalProperties: false } : {});
  const words = <const Word extends string>(all: readonly Word[], description?: string) =>
    Type.Unsafe<Word>({ enum: all, ...(description !== undefined && { description }) });
  const list = <Item extends TSchema>(item: Item) => Type.Array(item);
  const optional = Type.Optional;

  const answer = words(['yes', 'no', 'unknown']);
  const severity = words(SEVERITIES);
  const time = Type.String({ format: 'date-time' });
  const count = Type.Integer({ minimum: 0 });
  const amount = Type.Number({ minimum: 0 });
  const labels = {
    engine: Type.String(),
    namespace: optional(Type.String({ minLength: 1 })),
    pod: optional(Type.String({ minLength: 1 })),
    container: Type.String(),
  };
  const place = { scope: words(['container', 'pod', 'task', 'unit', 'shared']), cgroup: Type.String() };
  const throttled = {
    periods: optional(count),
    throttledPeriods: optional(count),
    throttledSeconds: optional(amount),
  };
  const memory = object({
    limited: answer,
    limitBytes: optional(amount),
    workingSetBytes: optional(amount),
    otherLimits: list(object({ ...place, limitBytes: amount, workingSetBytes: optional(amount) })),
  });
  const cpu = object({
    limited: answer,
    limitCores: optional(amount),
    ...throttled,
    otherLimits: list(object({ ...place, limitCores: amount, ...throttled })),
  });
  const pids = object({
    limited: answer,
    limit: optional(amount),
    current: optional(count),
    otherLimits: list(object({ ...place, limit: amount, current: optional(count) })),
  });
  const compliance = object({
    violates: answer,
    controls: list(
      object({
        control: Type.String(),
        title: Type.String(),
        violates: answer,
        findings: list(Type.String()),
        note: optional(Type.String()),
      }),
    ),
  });
  const finding = object({
    id: Type.String({ pattern: '^[a-z][a-z0-9_]*$' }),
    severity,
    answer,
    since: optional(words(['new', 'known'], 'Compared with the baseline.')),
    accepted: optional(
      object({
        reason: Type.String(),
        owner: optional(Type.String()),
        expires: optional(Type.String({ format: 'date', description: 'The last day on which it holds, in UTC.' })),
      }),
    ),
  });
  const container = object({
    ...labels,
    id: Type.String(),
    namedBy: optional(Type.String()),
    image: optional(Type.String()),
    runtime: optional(Type.String()),
    sandbox: optional(Type.String()),
    started: optional(time),
    level: optional(object({ number: Type.Integer(), name: Type.String(), certain: Type.Boolean() })),
    namespaces: optional(Type.Record(Type.String(), object({ host: answer, otherContainers: optional(count) }))),
    memory,
    cpu,
    pids,
    oom: object({ events: optional(count), kills: optional(count), lastKill: optional(time) }),
    health: optional(words(HEALTH_STATUSES, 'What the health check found.')),
    compliance: optional(compliance),
    findings: list(finding),
    failure: optional(Type.String()),
  });
  const baseline = object({
    file: Type.String(),
    new: count,
    known: count,
    fixed: list(object({ ...labels, finding: Type.String() })),
    gone: list(object(labels)),
  });
  const standard = object({
    id: words(CHECKED_STANDARDS),
    title: Type.String(),
    version: Type.String(),
    url: Type.String({ format: 'uri' }),
    outside: optional(Type.String()),
    notChecked: list(object({ control: Type.String(), title: Type.String(), reason: Type.String() })),
  });
  const reference = object({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys widens
    standard: words(Object.keys(STANDARDS) as (keyof typeof STANDARDS)[]),
    version: Type.String(),
    control: Type.String(),
    title: Type.String(),
    url: Type.String({ format: 'uri' }),
  });
  return object({
    name: Type.String(),
    version: Type.String(),
    time,
    kernel: optional(Type.String()),
    cgroup: words(['v1', 'v2', 'hybrid']),
    sources: Type.Record(Type.String(), Type.Boolean()),
    baseline: optional(baseline),
    standard: optional(standard),
    rules: Type.Record(Type.String(), object({ title: Type.String(), severity, references: list(reference) })),
    containers: list(container),
  });
}

/** Renders the published schema. */
export function renderScanSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The output of isolation-exporter scan --output=json',
    description: 'A value that is unknown is absent, except answers, which are unknown. Later versions may add keys.',
    ...scanSchema('open'),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/** Validates an output, with one line for each problem. A key that the schema does not name is a problem. */
export function scanErrors(json: unknown): readonly string[] {
  const ajv = new Ajv.default({ allErrors: true, strict: true, validateFormats: false });
  ajv.validate(scanSchema('closed'), json);
  return (ajv.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** A type as JSON has it: what may be undefined is optional. */
type AsJson<T> = T extends readonly (infer Item)[]
  ? readonly AsJson<Item>[]
  : T extends object
    ? {
        readonly [Key in keyof T as undefined extends T[Key] ? never : Key]: AsJson<T[Key]>;
      } & { readonly [Key in keyof T as undefined extends T[Key] ? Key : never]?: AsJson<Exclude<T[Key], undefined>> }
    : T;

type Described = AsJson<Static<ReturnType<typeof scanSchema>>>;

// The compiler checks that the schema and the type of the output are the same.
((output: AsJson<ScanJson>): Described => output) satisfies unknown;
((described: Described): AsJson<ScanJson> => described) satisfies unknown;
