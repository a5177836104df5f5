import type { Collector } from '../collectors/collector.ts';

/** Renders `docs/metrics.md` from the collectors themselves. */
export function renderMetricsDoc(collectors: readonly Collector[]): string {
  const sections = collectors.map((collector) => {
    const identity = collector.scope === 'host' ? [] : ['engine', 'namespace', 'pod', 'container'];
    const rows = collector.families.map((family) => {
      const own = 'labels' in family ? family.labels : [];
      const labels = [...identity, ...own].map((name) => `\`${name}\``).join(', ');
      return `| \`${family.name}\` | ${family.type} | ${labels} | ${markdown(family.help)} |`;
    });
    const table = ['| Metric | Type | Labels | Meaning |', '| --- | --- | --- | --- |', ...rows];
    return [`## ${collector.name}`, '', markdown(collector.help), '', ...table, ''].join('\n');
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
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
