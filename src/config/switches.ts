import type { OptionGroup } from './option-entry.ts';

/** A switch that is off by default. */
export interface SwitchEntry {
  /** The name of the flag, without the dashes. */
  readonly flag: string;
  readonly group: OptionGroup;
  readonly help: string;
}

/** Adds a `_created` sample to counters in OpenMetrics. */
export const CREATED_TIMESTAMPS: SwitchEntry = {
  flag: 'web.created-timestamps',
  group: 'Web',
  help: 'Export when counters started (_created) in OpenMetrics, where that is known. A Prometheus that does not ingest start timestamps stores each as an extra series. (default: off)',
};

/** Exports each known answer of the findings, as before they were a series only if yes. */
export const ALL_FINDINGS: SwitchEntry = {
  flag: 'collector.findings.all',
  group: 'Collectors',
  help: 'Export isolation_container_finding also as 0, for each problem that a container does not have: some 40 more series for each. (default: off)',
};

/** Disables all collectors not enabled by name. */
export const DISABLE_DEFAULTS: SwitchEntry = {
  flag: 'collector.disable-defaults',
  group: 'Collectors',
  help: 'Run only the collectors that are enabled by name.',
};
