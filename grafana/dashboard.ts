import {
  type AnnotationQuery,
  type Dashboard,
  DashboardCursorSync,
  DashboardLinkType,
  defaultDashboard,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { layOut, type Row } from './layout.ts';

/** A dashboard, independent of Grafana's format. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly VariableModel[];
  readonly annotations: readonly AnnotationQuery[];
  readonly rows: readonly Row[];
}

/** The tag of all dashboards, by which they link to each other. */
const TAG = 'isolation-exporter';

/**
 * Renders a dashboard in Grafana's classic JSON, which all versions from 10 on can load. The data source is a variable.
 */
export function dashboard({ uid, title, description, variables, annotations, rows }: Board): Dashboard {
  return {
    ...defaultDashboard(),
    uid,
    title,
    description,
    tags: [TAG],
    editable: false,
    timezone: 'browser',
    graphTooltip: DashboardCursorSync.Crosshair,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: { list: [...variables] },
    annotations: { list: [...annotations] },
    links: [
      {
        title: 'Isolation',
        type: DashboardLinkType.Dashboards,
        icon: 'external link',
        tooltip: 'The other dashboards, with the same hosts and time range',
        url: '',
        tags: [TAG],
        asDropdown: true,
        targetBlank: false,
        includeVars: true,
        keepTime: true,
      },
    ],
    panels: layOut(rows),
  };
}

/** The file that Grafana loads. */
export function render(board: Board): string {
  return `${JSON.stringify(dashboard(board), undefined, 2)}\n`;
}
