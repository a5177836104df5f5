/**
 * The alerting rules as an object of Prometheus Operator. Their text goes in as it is, with its comments. The file is
 * written anew with the golden ones: `npx vitest run --project program -u`.
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
