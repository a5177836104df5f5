import type { Collector } from '../collectors/collector.ts';
import { BUILD_INFO, CLOCK } from './own-metrics.ts';
import { OUTCOME_FAMILIES } from './scrape.ts';

/** A metric in the documentation. */
interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Renders `docs/metrics.md` from the collectors themselves. */
export function renderMetricsDoc(collectors: readonly Collector[]): string {
  const sections = collectors.map(({ name, help, scope, families }) => {
    const identity = scope === 'host' ? [] : ['engine', 'namespace', 'pod', 'container'];
    const rows = families.map((family) => ({
      ...family,
      labels: [...identity, ...('labels' in family ? family.labels : [])],
    }));
    return section(name, help, rows);
  });
  return [INTRODUCTION, ...sections, section('The exporter itself', OWN, ownRows())].join('\n');
}

function ownRows(): Row[] {
  return [
    ...OUTCOME_FAMILIES.map((family) => ({ ...family, labels: ['collector'] })),
    { ...BUILD_INFO, type: 'info', labels: BUILD_INFO.labelNames },
    { ...CLOCK, type: 'gauge', labels: [] },
  ];
}

function section(heading: string, about: string, rows: readonly Row[]): string {
  const lines = rows.map(({ name, type, labels, help }) => {
    const all = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${all} | ${markdown(help)} |`;
  });
  const table = ['| Metric | Type | Labels | Meaning |', '| --- | --- | --- | --- |', ...lines];
  return [`## ${heading}`, '', markdown(about), '', ...table, ''].join('\n');
}

/** Escapes `<`, which Markdown treats as HTML, and `|`, which ends a cell. */
function markdown(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('|', '\\|');
}

const INTRODUCTION = `# Metrics

Generated from the collectors. An unknown value is absent, never 0, and \`isolation_scrape_collector_success\` or
\`isolation_source_up\` says why. An unlimited value is absent too, beside an explicit \`…_limited 0\`. Empty labels are
omitted. If two live containers have the same labels, the newer keeps the name and the other becomes
\`name~<12 digits of its id>\`. Metrics that outlive containers (\`oom\`) count both together.
`;

const OWN =
  'In every scrape, whichever collectors run. prom-client adds `process_*` and `nodejs_*` for the process of the exporter.';
