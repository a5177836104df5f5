import { type DashboardLink, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';

/** The uids of the dashboards, which form their URLs. */
export const UIDS = {
  fleet: 'isolation-fleet',
  container: 'isolation-container',
  posture: 'isolation-posture',
  exporter: 'isolation-exporter',
} as const;

const FLEET_VARIABLES = '${datasource:queryparam}&${job:queryparam}';
const TIME = '${__url_time_range}';
const CONTAINER_LABELS = ['instance', 'engine', 'namespace', 'pod', 'container'];

/** A link to another dashboard with the same hosts and time range. */
export function boardLink(title: string, board: keyof typeof UIDS): DashboardLink {
  return link(title, `/d/${UIDS[board]}?${FLEET_VARIABLES}&\${instance:queryparam}&${TIME}`);
}

/** From a row of a table to the dashboard of its container. A missing label becomes empty. */
export const ROW_TO_CONTAINER = toContainer((label) => `\${__data.fields.${label}:percentencode}`);

/** From a series to the dashboard of its container. */
export const SERIES_TO_CONTAINER = toContainer((label) => `\${__field.labels.${label}:percentencode}`);

/** From a row of a table to the exporter of its host. */
export const ROW_TO_EXPORTER = link(
  'Open exporter',
  `/d/${UIDS.exporter}?${FLEET_VARIABLES}&var-instance=\${__data.fields.instance:percentencode}&${TIME}`,
);

function toContainer(valueOf: (label: string) => string): DashboardLink {
  const variables = CONTAINER_LABELS.map((label) => `var-${label}=${valueOf(label)}`).join('&');
  return link('Open container', `/d/${UIDS.container}?${FLEET_VARIABLES}&${variables}&${TIME}`);
}

/** A field link has no icon or position. The SDK only has types for dashboard links. */
function link(title: string, url: string): DashboardLink {
  return {
    title,
    url,
    type: DashboardLinkType.Link,
    icon: '',
    tooltip: '',
    tags: [],
    asDropdown: false,
    targetBlank: false,
    includeVars: false,
    keepTime: false,
  };
}
