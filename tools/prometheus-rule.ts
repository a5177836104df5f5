/**
 * Renders the alerting rules as a PrometheusRule for Prometheus Operator, with their text and comments unchanged. The file is
 * regenerated with the goldens: `npx vitest run --project program -u`.
 */
export function renderPrometheusRule(alerts: string): string {
  return `# Made from deploy/prometheus/alerts.yml: do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: isolation-exporter
spec:
${alerts.replaceAll(/^(?=.)/gm, '  ')}`;
}
