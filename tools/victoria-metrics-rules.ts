/**
 * Renders the alerting rules for VictoriaMetrics. Three constructs of PromQL have another meaning in its MetricsQL:
 *
 * - `increase()` counts the first sample of a series as an increase from 0, so a host or container that is first seen
 *   with a count above 0 would fire. Both `increase()` and `changes()` begin at the sample before the window. The
 *   variants with the suffix `_prometheus` do neither. They do not extrapolate to the whole window, though, so values
 *   can be lower by one scrape. `rate()` does not count the first sample, and stays.
 * - vmalert keeps a series label that a label of the rule replaces, as `exported_severity`.
 *
 * The file is regenerated with the goldens: `npx vitest run --project program -u`.
 */
export function renderVictoriaMetricsRules(alerts: string): string {
  const [, ...blocks] = alerts.split('\n\n');
  return [HEADER, ...blocks].join('\n\n').replaceAll(EXPR, (_, head: string, body: string) => {
    const expr = body.replaceAll(/\b(increase|changes)\(/g, '$1_prometheus(');
    return `${head}${/\bisolation_container_(?:finding|last_drift_timestamp_seconds)\{/.test(expr) ? withoutSeverity(expr) : expr}`;
  });
}

const HEADER = `# Made from deploy/prometheus/alerts.yml, for vmalert with VictoriaMetrics 1.97 and later: do not edit. docs/alerts.md says how
# to use it; the tests in deploy/prometheus/tests hold for it too.
#
# The base of every runbook_url is https://isolation-exporter.example/docs/runbooks. Put yours there with
#   sed -i 's#https://isolation-exporter.example/docs/runbooks#https://YOUR.HOST/PATH#' alerts.yml`;

/** An expression on one line, or as a block. */
const EXPR = /^( +expr:)( \|\n(?: {10}.*\n)+| .*\n)/gm;

const INDENT = ' '.repeat(10);

/** Only blocks have such series. */
function withoutSeverity(block: string): string {
  const [first = '', ...lines] = block.trimEnd().split('\n');
  const inner = lines.map((line) => `  ${line}`);
  return [first, `${INDENT}label_del(`, ...inner, `${INDENT}  , "severity"`, `${INDENT})`, ''].join('\n');
}
