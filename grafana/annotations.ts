import type { AnnotationQuery } from '@grafana/grafana-foundation-sdk/dashboard';
import { ofExporters, onHosts } from './queries.ts';
import { DATASOURCE } from './query.ts';

const LAST_KILL = 'isolation_container_last_oom_kill_timestamp_seconds';

/**
 * Marks each OOM kill at the time of the kill, not of the scrape that reported it. The value is the time in ms.
 *
 * @param selected the metric, for the containers of the dashboard.
 */
export function oomKills(selected: (metric: string) => string): AnnotationQuery {
  return {
    name: 'OOM kills',
    datasource: { ...DATASOURCE },
    enable: true,
    hide: false,
    iconColor: 'red',
    expr: `max by (instance, engine, namespace, pod, container) (${selected(LAST_KILL)}) * 1000`,
    useValueForTime: true,
    // A container with repeated kills gets a mark for each.
    step: '15s',
    titleFormat: 'OOM kill',
    textFormat: '{{container}} {{pod}} on {{instance}}',
    tagKeys: 'namespace,container',
  };
}

const LAST_DRIFT = 'isolation_container_last_drift_timestamp_seconds';

/**
 * Marks when the isolation of a running container got worse. The value is the time in ms.
 *
 * @param selected the metric, for the containers of the dashboard.
 */
export function drifts(selected: (metric: string) => string): AnnotationQuery {
  return {
    name: 'Drift',
    datasource: { ...DATASOURCE },
    enable: true,
    hide: false,
    iconColor: 'orange',
    expr: `max by (instance, engine, namespace, pod, container, finding) (${selected(LAST_DRIFT)}) * 1000`,
    useValueForTime: true,
    // A container that gets worse again gets another mark.
    step: '15s',
    titleFormat: 'Isolation got worse',
    textFormat: '{{finding}}: {{container}} {{pod}} on {{instance}}',
    tagKeys: 'namespace,container,finding',
  };
}

const startOver = (of: 'max' | 'min') => `${of}_over_time(${onHosts('process_start_time_seconds')}[$__rate_interval])`;

/** Marks restarts of exporters. Off by default. */
export const EXPORTER_RESTARTS: AnnotationQuery = {
  name: 'Exporter restarts',
  datasource: { ...DATASOURCE },
  enable: false,
  hide: false,
  iconColor: 'blue',
  // Not changes(), which in VictoriaMetrics counts the first sample of a host.
  expr: ofExporters(`${startOver('max')} - ${startOver('min')} > 0`),
  step: '60s',
  titleFormat: 'Exporter restarted',
  textFormat: '{{instance}}',
  tagKeys: 'instance',
};
