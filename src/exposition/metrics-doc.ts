import type { Collector } from '../collectors/collector.ts';
import { BUILD_INFO, CLOCK } from './own-metrics.ts';
import { OUTCOME_FAMILIES } from './scrape.ts';

/** A metric as the documentation tells of it. */
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

/** Keeps `/proc/<pid>` from being taken for HTML, and `|` for the end of a cell. */
function markdown(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('|', '\\|');
}

const INTRODUCTION = `# Metrics

Generated from the collectors. Nothing is 0 because it could not be read: what is unknown is absent, and
\`isolation_scrape_collector_success\` or \`isolation_source_up\` says why. What is unlimited is absent too, beside an
explicit \`…_limited 0\`. Labels that are empty are left out. Two live containers with the same labels: the newer keeps
the name, the other is called \`name~<12 digits of its id>\`; what outlives them (\`oom\`) is told of both together.
`;

const OWN =
  'In every scrape, whatever the collectors. Besides these there are `process_*` and `nodejs_*` of its process, as ' +
  'prom-client has them.';
