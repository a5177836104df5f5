import {
  type VariableModel,
  VariableRefresh,
  VariableSort,
  VariableType,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { ENGINE, HOSTS, NAMESPACE, POD } from './queries.ts';
import { DATASOURCE } from './query.ts';

/** The Prometheus, its jobs and the hosts. */
export const HOST_VARIABLES: readonly VariableModel[] = [
  { type: VariableType.Datasource, name: 'datasource', label: 'Data source', query: 'prometheus' },
  several('job', 'Job', 'label_values(isolation_exporter_build_info, job)', '.+'),
  several('instance', 'Instance', 'label_values(isolation_exporter_build_info{job=~"$job"}, instance)', '.+'),
];

/** The label of containers that names who is responsible for them: of `--container.labels`, or `namespace`. */
export const TEAM_LABEL: VariableModel = {
  type: VariableType.Textbox,
  name: 'team_label',
  label: 'Team label',
  description: 'The label to group containers by: label_<name> for a name of --container.labels, or namespace.',
  query: 'label_team',
  current: { selected: true, text: 'label_team', value: 'label_team' },
};

/** The containers that a choice of other variables leaves. */
const info = (...chosen: readonly string[]) => `isolation_container_info{${[HOSTS, ...chosen].join(', ')}}`;

/**
 * The container. Containers outside Kubernetes have no namespace and no pod, which `.*` includes. Only one container can be
 * selected: with two, it would be unclear which limit belongs to which.
 */
export const CONTAINER_VARIABLES: readonly VariableModel[] = [
  ...HOST_VARIABLES,
  several('engine', 'Engine', `label_values(${info()}, engine)`, '.+'),
  several('namespace', 'Namespace', `label_values(${info(ENGINE)}, namespace)`, '.*'),
  several('pod', 'Pod', `label_values(${info(ENGINE, NAMESPACE)}, pod)`, '.*'),
  query('container', 'Container', `label_values(${info(ENGINE, NAMESPACE, POD)}, container)`),
];

function several(name: string, label: string, definition: string, allValue: string): VariableModel {
  const current = { selected: true, text: ['All'], value: ['$__all'] };
  return { ...query(name, label, definition), multi: true, includeAll: true, allValue, current };
}

function query(name: string, label: string, definition: string): VariableModel {
  return {
    type: VariableType.Query,
    name,
    label,
    datasource: { ...DATASOURCE },
    definition,
    query: definition,
    // Removed containers are found in the time range in which they existed.
    refresh: VariableRefresh.OnTimeRangeChanged,
    sort: VariableSort.AlphabeticalAsc,
    includeAll: false,
    multi: false,
  };
}
