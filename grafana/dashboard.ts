import {
  type AnnotationQuery,
  type Dashboard,
  DashboardCursorSync,
  DashboardLinkType,
  defaultDashboard,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { layOut, type Row } from './layout.ts';

/** What one board is, before Grafana's terms. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly VariableModel[];
  readonly annotations: readonly AnnotationQuery[];
  readonly rows: readonly Row[];
}

/** All boards carry it, and find each other by it. */
const TAG = 'isolation-exporter';

/**
 * A board as Grafana's classic JSON, which all versions from 10 on take from a file. It needs no data source of a known
 * name: that is a variable.
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
        tooltip: 'The other boards, with the same hosts and time',
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
