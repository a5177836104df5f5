import type { HostReport } from '../report/host-report.ts';
import type { Version } from '../version.ts';
import { containerTable } from './container-table.ts';
import { countText } from './duration.ts';
import { endedContainers } from './ended-containers.ts';
import { explanations } from './explanations.ts';
import { filterForm } from './filter-form.ts';
import { type Markup, markup, verbatim } from './markup.ts';
import { glossary } from './glossary.ts';
import { rowsOf } from './rows.ts';
import { SCRIPT } from './script.ts';
import { sourceHealth } from './source-health.ts';
import { STYLE } from './style.ts';
import { summary, warningOf } from './summary.ts';
import type { View } from './view.ts';

/** The contents of the page. */
export interface PageFacts {
  readonly report: HostReport;
  readonly view: View;
  readonly version: Version;
  readonly telemetryPath: string;
}

/** An empty icon, so that browsers do not request one. */
const NO_ICON = 'data:,';

/** Renders the page at `/` piece by piece, so that the caller can yield in between. Pure. */
export function* renderPage(facts: PageFacts): Generator<string> {
  for (const { html } of parts(facts)) yield html;
}

function* parts({ report, view, version, telemetryPath }: PageFacts): Generator<Markup> {
  const { containers, ended, at, sources } = report;
  // Relative links also work behind a proxy that puts the exporter under a path.
  yield markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${version.name}: ${countText(containers.length, 'container')}</title>
        <link rel="icon" href="${NO_ICON}">
        <style>${verbatim(STYLE)}</style>
      </head>
      <body>
        <a class="skip" href="#live">Skip to the containers</a>
        <header>
          <h1>${version.name}</h1>
          <p>How isolated this host's containers are, and whether they hit their limits</p>
          <nav aria-label="Exporter">
            <a href=".${telemetryPath}">Metrics</a>
            <a href="./-/ready">Readiness</a>
            <a href="#glossary">Glossary</a>
          </nav>
        </header>
        <main>
          <div class="tools">
            ${filterForm(view)}
            <div id="refresh" hidden>
              <p role="status"></p>
              <button type="button">Pause refreshing</button>
            </div>
          </div>
          <div id="live" tabindex="-1">
            ${warningOf(report)}
            ${summary(report, view)}
            <div id="state" class="state">${sourceHealth(report)} ${readAt(report)}</div>`;
  const rows = rowsOf(containers, view);
  yield* containerTable({ rows, total: containers.length, sawAll: sources.get('cgroup_walk') !== false, view, at });
  const past = endedContainers(ended, at);
  if (past !== undefined) yield past;
  yield* explanations(rows);
  yield markup`</div>
        </main>
        ${glossary()}
        <footer>${version.name} ${version.version}${version.revision && `, ${version.revision}`}</footer>
        <script>${verbatim(SCRIPT)}</script>
      </body>
    </html>
`;
}

function readAt({ at, kernel, cgroup }: HostReport): Markup {
  const time = new Date(at).toISOString();
  return markup`<p id="read">
    Read at <time datetime="${time}">${time.slice(0, 19).replace('T', ' ')} UTC</time>
    on Linux ${kernel ?? 'of an unknown release'} with cgroup ${cgroup}.
  </p>`;
}
